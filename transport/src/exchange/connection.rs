//! One operation on a gateway: an attempt, and the attempts with the waits between them.
//!
//! Everything that is sent goes through [`Connection::attempt`], with a verb, a path and a body.

use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::http::Method;

use crate::error::answer_text::{AnswerText, escape_into};
use crate::error::cause::Cause;
use crate::error::kind::PushErrorKind;
use crate::error::push_error::PushError;
use crate::exchange::answer::{GatewayAnswer, ReadAnswer, ReadError, read_capped};
use crate::exchange::attempt_error::AttemptError;
use crate::exchange::config::GatewayConfig;
use crate::exchange::http_date;
use crate::exchange::operation::Operation;
use crate::exchange::retry::{FailedAttempt, Retries, retry_until};
use crate::exchange::verdict::{AnswerHead, Verdict, judge_answer, judge_failure};
use crate::exchange::wait::Wait;
use crate::http::failure::{HttpFailure, HttpFailureKind, read_failure};
use crate::http::request::{Answer, HttpRequest, HttpSend};
use crate::http::url::HttpUrl;
use crate::payload::body::EncodedBody;
use prompush_core::clock::Clock;

/// Most of a redirect's target that is shown, in characters.
const LOCATION_CHARS_MAX: usize = 500;

/// The way to one gateway.
pub(crate) struct Connection {
    pub(crate) url: HttpUrl,
    pub(crate) config: GatewayConfig,
    pub(crate) http: Box<dyn HttpSend>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) wait: Arc<dyn Wait>,
    /// Makes the source of jitter.
    pub(crate) rng: fn() -> fastrand::Rng,
}

/// A finished operation.
#[derive(Debug)]
pub(crate) struct Completed<T> {
    pub(crate) answered: GatewayAnswer<T>,
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
            Ok(answered) => Ok(Completed { answered, attempts }),
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

    /// One request. `dropped` is that of the attempt before this.
    pub(crate) fn attempt<T>(
        &self,
        operation: &Operation<'_>,
        timeout: Duration,
        dropped: u32,
        read: ReadAnswer<'_, T>,
    ) -> Result<GatewayAnswer<T>, AttemptError> {
        let url = self.url.join(operation.path);
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
            let failure = self.refused_by_tls(&failure, left).unwrap_or(failure);
            self.attempt_error(failure, dropped)
        })?;
        let (status, heard_at) = (answer.status, self.clock.wall());
        let date = answer.date.as_deref().and_then(http_date::parse);
        let mut body = self.judge(operation, answer)?;
        let value = read(&mut body).map_err(|error| {
            let failure = match error {
                ReadError::Io(error) => read_failure(error, timeout),
                ReadError::Other(failure, cause) => HttpFailure { failure, cause },
            };
            self.attempt_error(failure, dropped)
        })?;
        Ok(GatewayAnswer { value, status, date, asked_at, heard_at })
    }

    /// Why the other side closed a connection by TLS that it had agreed to.
    ///
    /// With TLS 1.3 a server says only after the handshake that it wants another client certificate,
    /// and closes: who is still sending sees a broken pipe in place of its words. A request that
    /// sends nothing more than its head reads them.
    fn refused_by_tls(&self, failure: &HttpFailure, left: Duration) -> Option<HttpFailure> {
        let dropped = matches!(failure.failure, HttpFailureKind::Dropped { .. });
        if !dropped || !self.url.is_https() || left.is_zero() {
            return None;
        }
        let url = self.url.join("/");
        let (method, timeout) = (Method::GET, left.min(self.config.connect_timeout));
        let request = HttpRequest { method, url: &url, headers: &[], body: None, timeout };
        self.http.send(&request).err().filter(|found| found.failure == HttpFailureKind::Tls)
    }

    /// The body of a success; what is wrong with anything else.
    fn judge(
        &self,
        operation: &Operation<'_>,
        mut answer: Answer,
    ) -> Result<Box<dyn Read + Send>, AttemptError> {
        let head = AnswerHead {
            status: answer.status,
            html: answer.html,
            retry_after: answer.retry_after.as_deref(),
        };
        let (kind, is_retryable, retry_after) =
            match judge_answer(head, self.clock.wall(), self.config.retry_after_max) {
                Verdict::Success => return Ok(answer.body),
                Verdict::Retry { kind, after } => (kind, true, after),
                Verdict::Final(kind) => (kind, false, None),
            };
        let cause = match kind {
            PushErrorKind::Redirected(_) => answer.location.as_deref().map(location),
            PushErrorKind::NotAGateway => {
                Some(Cause::Text(format!("it has status {} and is an HTML page", answer.status)))
            }
            _ => self.reason(operation, &mut answer).map(Cause::Said),
        };
        Err(AttemptError { kind, cause, is_retryable, retry_after, dropped: 0 })
    }

    /// What the gateway says about a refusal. Its status decides; its words may be missing.
    fn reason(&self, operation: &Operation<'_>, answer: &mut Answer) -> Option<AnswerText> {
        let (bytes, cut) = read_capped(&mut answer.body, self.config.answer_text_bytes_max).ok()?;
        let pushed = operation.body.map_or(&[][..], EncodedBody::lines);
        AnswerText::new(&bytes, cut, pushed)
    }

    fn attempt_error(&self, failure: HttpFailure, dropped: u32) -> AttemptError {
        let HttpFailure { failure, cause } = failure;
        let dropped = match failure {
            HttpFailureKind::Dropped { after_body: true } => dropped.saturating_add(1),
            _ => 0,
        };
        let verdict = judge_failure(failure, dropped, self.config.dropped_attempts_max);
        let (kind, is_retryable, retry_after) = match verdict {
            Verdict::Retry { kind, after } => (kind, true, after),
            Verdict::Final(kind) => (kind, false, None),
            Verdict::Success => (PushErrorKind::NotAGateway, false, None),
        };
        AttemptError { kind, cause: Some(cause), is_retryable, retry_after, dropped }
    }

    pub(crate) fn error(
        &self,
        operation: &Operation<'_>,
        attempt_error: &AttemptError,
        attempts: u32,
    ) -> PushError {
        PushError {
            verb: operation.verb,
            families: operation.body.and_then(|body| u32::try_from(body.families).ok()),
            url: self.url.redacted(operation.path),
            kind: attempt_error.kind,
            attempts,
            retry_after_seconds: attempt_error.retry_after.map(whole_seconds),
            gzip: operation.body.map(EncodedBody::is_compressed),
            cause: attempt_error.cause.clone(),
            aside: None,
        }
    }
}

/// Rounded up: what is asked for in parts of a second is not over before they are.
fn whole_seconds(duration: Duration) -> u32 {
    let up = u64::from(duration.subsec_nanos() > 0);
    u32::try_from(duration.as_secs().saturating_add(up)).unwrap_or(u32::MAX)
}

fn location(location: &str) -> Cause {
    let short: String = location.chars().take(LOCATION_CHARS_MAX).collect();
    let mut shown = String::new();
    escape_into(&mut shown, &short);
    Cause::Location(shown)
}

#[cfg(test)]
mod tests;
