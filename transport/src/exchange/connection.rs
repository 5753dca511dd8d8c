//! The connection to one gateway: one attempt at an operation, and attempts until one succeeds.
//!
//! Every request to a gateway goes through [`Connection::attempt`].

use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prompush_core::clock::Clock;

use crate::error::{AnswerText, Cause, PushError, PushErrorKind, escape_into};
use crate::exchange::answer::{GatewayAnswer, ReadAnswer, ReadError, read_capped};
use crate::exchange::attempt_error::AttemptError;
use crate::exchange::gateway_config::GatewayConfig;
use crate::exchange::operation::Operation;
use crate::exchange::retry::{FailedAttempt, Retries, retry_until};
use crate::exchange::verdict::{AnswerHead, Verdict, judge_answer, judge_failure};
use crate::exchange::wait::Wait;
use crate::http::{
    HttpFailure, HttpFailureKind, HttpRequest, HttpResponse, HttpSend, HttpUrl, Method,
    read_failure,
};
use crate::payload::EncodedBody;

/// How much of a redirect's target an error shows, in characters.
const LOCATION_CHARS_MAX: usize = 500;

/// Everything that a request to one gateway needs.
pub(crate) struct Connection {
    pub(crate) url: HttpUrl,
    pub(crate) config: GatewayConfig,
    pub(crate) http: Box<dyn HttpSend>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) wait: Arc<dyn Wait>,
    /// Makes the random source of the jitter.
    pub(crate) rng: fn() -> fastrand::Rng,
}

/// An operation that succeeded.
#[derive(Debug)]
pub(crate) struct Completed<T> {
    pub(crate) answer: GatewayAnswer<T>,
    pub(crate) attempts: u32,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Connection {
    /// Repeats `operation` until it succeeds, fails for good, or `total_timeout` has passed.
    pub(crate) fn with_retries<T>(
        &self,
        operation: &Operation<'_>,
        read: ReadAnswer<'_, T>,
    ) -> Result<Completed<T>, PushError> {
        self.until_deadline(self.clock.deadline(self.config.total_timeout), operation, read)
    }

    /// Repeats `operation` until it succeeds, fails for good, or the deadline has come.
    pub(crate) fn until_deadline<T>(
        &self,
        deadline: Instant,
        operation: &Operation<'_>,
        read: ReadAnswer<'_, T>,
    ) -> Result<Completed<T>, PushError> {
        self.until_deadline_with(deadline, operation, read, || {})
    }

    /// As [`until_deadline`](Self::until_deadline). Calls `before_retry` once, after the first attempt
    /// has failed and before the wait for the second.
    pub(crate) fn until_deadline_with<T>(
        &self,
        deadline: Instant,
        operation: &Operation<'_>,
        read: ReadAnswer<'_, T>,
        before_retry: impl FnOnce(),
    ) -> Result<Completed<T>, PushError> {
        let mut before_retry = Some(before_retry);
        let (mut attempts, mut dropped) = (0_u32, 0);
        let timeout = self.config.attempt_timeout_for(operation.body_bytes());
        let attempt = || {
            attempts = attempts.saturating_add(1);
            let remaining = deadline.saturating_duration_since(self.clock.now());
            self.attempt(operation, timeout.min(remaining), dropped, read).map_err(|error| {
                dropped = error.dropped;
                let (is_retryable, retry_after) = (error.is_retryable, error.retry_after);
                FailedAttempt { error, is_retryable, retry_after }
            })
        };
        let wait = |time| {
            before_retry.take().into_iter().for_each(|call| call());
            self.wait.wait(time);
        };
        match self.retry(deadline, wait, attempt) {
            Ok(answer) => Ok(Completed { answer, attempts }),
            Err(error) => Err(self.error(operation, &error, attempts)),
        }
    }

    /// Makes attempts with the delays of the configuration; see [`retry`](crate::retry).
    pub(crate) fn retry<T, E>(
        &self,
        deadline: Instant,
        wait: impl FnMut(Duration),
        attempt: impl FnMut() -> Result<T, FailedAttempt<E>>,
    ) -> Result<T, E> {
        let retries = Retries::new(&self.config.retry_policy(), self.clock.now());
        retry_until(Some(deadline), retries, (self.rng)(), self.clock.as_ref(), wait, attempt)
    }

    /// Makes one request.
    ///
    /// `dropped` is the count of [`AttemptError::dropped`] after the previous attempt, or 0.
    pub(crate) fn attempt<T>(
        &self,
        operation: &Operation<'_>,
        timeout: Duration,
        dropped: u32,
        read: ReadAnswer<'_, T>,
    ) -> Result<GatewayAnswer<T>, AttemptError> {
        let url = self.url.join(operation.path());
        let mut headers = self.config.credentials.headers();
        let authorization = self.url.authorization();
        headers.extend(authorization.map(|value| ("authorization".to_owned(), value.to_owned())));
        let request = HttpRequest {
            method: operation.method(),
            url: &url,
            headers: &headers,
            body: operation.body.map(EncodedBody::http),
            timeout,
        };
        let (start, asked_at) = (self.clock.now(), self.clock.wall());
        let answer = self.http.send(&request).map_err(|failure| {
            let left = timeout.saturating_sub(self.clock.now().saturating_duration_since(start));
            let failure = self.tls_refusal(&failure, left).unwrap_or(failure);
            self.attempt_error(failure, dropped)
        })?;
        let (status, answered_at) = (answer.status, self.clock.wall());
        let date = answer.date.as_deref().and_then(|date| httpdate::parse_http_date(date).ok());
        let mut body = self.judge(operation, answer)?;
        let value = read(&mut body).map_err(|error| {
            let failure = match error {
                ReadError::Io(error) => read_failure(error, timeout),
                ReadError::Other(kind, cause) => HttpFailure { kind, cause },
            };
            self.attempt_error(failure, dropped)
        })?;
        Ok(GatewayAnswer { value, status, date, asked_at, answered_at })
    }

    /// Finds out by a second request whether a dropped TLS connection was a refusal of the client
    /// certificate.
    ///
    /// With TLS 1.3 a server refuses a client certificate only after the handshake, by an alert, and
    /// closes the connection. A client that is still sending sees a broken pipe instead of the alert. A
    /// request without a body is short enough to read the alert.
    fn tls_refusal(&self, failure: &HttpFailure, left: Duration) -> Option<HttpFailure> {
        let dropped = matches!(failure.kind, HttpFailureKind::Dropped { .. });
        if !dropped || !self.url.is_https() || left.is_zero() {
            return None;
        }
        let url = self.url.join("/");
        let (method, timeout) = (Method::GET, left.min(self.config.connect_timeout));
        let request = HttpRequest { method, url: &url, headers: &[], body: None, timeout };
        self.http.send(&request).err().filter(|found| found.kind == HttpFailureKind::Tls)
    }

    /// Returns the body of a successful answer, or what is wrong with the answer.
    fn judge(
        &self,
        operation: &Operation<'_>,
        mut answer: HttpResponse,
    ) -> Result<Box<dyn Read + Send>, AttemptError> {
        let head = AnswerHead {
            status: answer.status,
            html: answer.html,
            retry_after: answer.retry_after.as_deref(),
        };
        let (kind, is_retryable, retry_after) =
            match judge_answer(head, self.clock.wall(), self.config.retry_after_max) {
                Verdict::Success => return Ok(answer.body),
                Verdict::Retry { kind, retry_after } => (kind, true, retry_after),
                Verdict::Final(kind) => (kind, false, None),
            };
        let cause = match kind {
            PushErrorKind::Redirected(_) => answer.location.as_deref().map(location),
            PushErrorKind::NotAGateway => Some(Cause::Text(format!(
                "the answer has status {} and is an HTML page",
                answer.status
            ))),
            _ => self.answer_text(operation, &mut answer).map(Cause::Answer),
        };
        Err(AttemptError { kind, cause, is_retryable, retry_after, dropped: 0 })
    }

    /// Reads the gateway's explanation of a refusal. It may be missing: the status has decided already.
    fn answer_text(
        &self,
        operation: &Operation<'_>,
        answer: &mut HttpResponse,
    ) -> Option<AnswerText> {
        let (bytes, cut) = read_capped(&mut answer.body, self.config.answer_text_bytes_max).ok()?;
        let pushed = operation.body.map_or(&[][..], EncodedBody::lines);
        AnswerText::new(&bytes, cut, pushed)
    }

    /// Judges an attempt without an answer.
    fn attempt_error(&self, failure: HttpFailure, dropped: u32) -> AttemptError {
        let HttpFailure { kind, cause } = failure;
        let dropped = match kind {
            HttpFailureKind::Dropped { after_body: true } => dropped.saturating_add(1),
            _ => 0,
        };
        let verdict = judge_failure(kind, dropped, self.config.dropped_attempts_max);
        let (kind, is_retryable, retry_after) = match verdict {
            Verdict::Retry { kind, retry_after } => (kind, true, retry_after),
            Verdict::Final(kind) => (kind, false, None),
            Verdict::Success => (PushErrorKind::NotAGateway, false, None),
        };
        AttemptError { kind, cause: Some(cause), is_retryable, retry_after, dropped }
    }

    /// The error of an operation whose last attempt failed with `attempt_error`.
    pub(crate) fn error(
        &self,
        operation: &Operation<'_>,
        attempt_error: &AttemptError,
        attempts: u32,
    ) -> PushError {
        PushError {
            verb: operation.verb,
            families: operation.body.and_then(|body| u32::try_from(body.families).ok()),
            url: self.url.redacted(operation.path()),
            kind: attempt_error.kind,
            attempts,
            retry_after_seconds: attempt_error.retry_after.map(whole_seconds),
            gzip: operation.body.map(EncodedBody::is_compressed),
            cause: attempt_error.cause.clone(),
            key: operation.key.cloned(),
            details: None,
        }
    }
}

/// Rounds up, so that the gateway's wait is over when the seconds are.
fn whole_seconds(duration: Duration) -> u32 {
    let up = u64::from(duration.subsec_nanos() > 0);
    u32::try_from(duration.as_secs().saturating_add(up)).unwrap_or(u32::MAX)
}

/// The target of a redirect, cut and without control characters.
fn location(location: &str) -> Cause {
    let short: String = location.chars().take(LOCATION_CHARS_MAX).collect();
    let mut shown = String::new();
    escape_into(&mut shown, &short);
    Cause::Location(shown)
}

#[cfg(test)]
mod tests;
