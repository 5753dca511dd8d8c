//! One HTTP exchange with a server that is no gateway: a target of a scrape, or a collector.

use std::fmt;
use std::time::Duration;

use ureq::http::Method;

use crate::error::cause::Cause;
use crate::error::kind::PushErrorKind;
use crate::error::redacted_url::RedactedUrl;
use crate::exchange::answer::read_capped;
use crate::exchange::config::GatewayConfig;
use crate::http::agent::HttpAgent;
use crate::http::failure::{HttpFailureKind, read_failure};
use crate::http::url::HttpUrl;

/// A header that credentials in a URL take the place of.
const AUTHORIZATION: &str = "authorization";

/// A client for single exchanges, with the limits of a [`GatewayConfig`]: the time for one is
/// `attempt_timeout`, an answer has at most `answer_bytes_max`. Nothing is retried, no redirect
/// followed. Connections are kept for the next exchange.
pub struct HttpClient {
    send: HttpAgent,
    attempt_timeout: Duration,
    answer_bytes_max: usize,
}

/// What a server answered, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// Whether the answer calls itself HTML: a page for people.
    pub is_html: bool,
    /// The body, whole.
    pub body: Vec<u8>,
}

/// No answer, or not the whole of it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot {method} `{url}`: {what}")]
pub struct HttpError {
    method: &'static str,
    url: RedactedUrl,
    what: &'static str,
    kind: PushErrorKind,
    #[source]
    cause: Cause,
}

impl HttpError {
    /// Why it failed, in the terms of a push.
    pub fn kind(&self) -> PushErrorKind {
        self.kind
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

impl HttpClient {
    /// A client with these limits; what of them is about pushes is not used.
    ///
    /// # Errors
    ///
    /// [`ConfigError`](crate::ConfigError) for a limit that cannot be meant.
    pub fn new(config: &GatewayConfig) -> Result<Self, crate::ConfigError> {
        config.check()?;
        Ok(Self {
            send: HttpAgent::new(config),
            attempt_timeout: config.attempt_timeout,
            answer_bytes_max: config.answer_bytes_max,
        })
    }

    /// Asks for `path`, which begins with a slash or is empty, below `url`.
    ///
    /// # Errors
    ///
    /// [`HttpError`] when no whole answer came.
    pub fn get(
        &self,
        url: &HttpUrl,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<HttpAnswer, HttpError> {
        self.exchange("get", url, path, headers, None)
    }

    /// Posts `body`, as it is, to `path` below `url`. Credentials in the URL take the place of an
    /// `Authorization` among the headers.
    ///
    /// # Errors
    ///
    /// [`HttpError`] when no whole answer came.
    pub fn post(
        &self,
        url: &HttpUrl,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<HttpAnswer, HttpError> {
        self.exchange("post to", url, path, headers, Some(body))
    }

    /// Ends exchanges in work on other threads, as far as possible, and refuses new ones.
    pub fn interrupt(&self) {
        crate::http::request::HttpSend::interrupt(&self.send);
    }

    fn exchange(
        &self,
        verb: &'static str,
        url: &HttpUrl,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<HttpAnswer, HttpError> {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let mut headers = headers.to_vec();
        if let Some(authorization) = url.authorization() {
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case(AUTHORIZATION));
            headers.push((AUTHORIZATION, authorization));
        }
        let failed = |failure, cause| {
            let (kind, what) = describe(failure);
            HttpError { method: verb, url: url.redacted(path), what, kind, cause }
        };
        let timeout = self.attempt_timeout;
        let sent = self.send.send_raw(method, &url.join(path), &headers, body, timeout);
        let mut answer = sent.map_err(|failure| failed(failure.failure, failure.cause))?;
        let (body, is_cut) = read_capped(&mut answer.body, self.answer_bytes_max)
            .map_err(|error| read_failure(error, timeout))
            .map_err(|failure| failed(failure.failure, failure.cause))?;
        if is_cut {
            let words = format!("it has more than {} bytes", self.answer_bytes_max);
            return Err(failed(HttpFailureKind::TooLarge, Cause::Text(words)));
        }
        Ok(HttpAnswer { status: answer.status, is_html: answer.html, body })
    }
}

fn describe(failure: HttpFailureKind) -> (PushErrorKind, &'static str) {
    match failure {
        HttpFailureKind::Unreachable => (PushErrorKind::Unreachable, "it cannot be reached"),
        HttpFailureKind::Timeout => (PushErrorKind::Timeout, "no answer in time"),
        HttpFailureKind::Dropped { .. } => {
            (PushErrorKind::Dropped, "the connection was closed without a whole answer")
        }
        HttpFailureKind::Tls => (PushErrorKind::Tls, "no secure connection can be made"),
        HttpFailureKind::Garbled => (PushErrorKind::NotAGateway, "the answer is not HTTP"),
        HttpFailureKind::TooLarge => (PushErrorKind::TooLarge, "the answer is too large"),
    }
}
