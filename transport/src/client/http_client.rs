//! Plain HTTP requests to a server that is not a gateway, such as a collector or a scrape target.

use std::fmt;
use std::time::Duration;

use crate::error::{Cause, ConfigError, PushErrorKind, RedactedUrl};
use crate::exchange::{GatewayConfig, read_capped};
use crate::http::{HttpAgent, HttpFailureKind, HttpSend as _, HttpUrl, Method, read_failure};

const AUTHORIZATION: &str = "authorization";

/// A client for single HTTP requests to a server that is not a gateway.
///
/// One request takes at most [`attempt_timeout`](GatewayConfig#structfield.attempt_timeout), and its
/// response has at most [`answer_bytes_max`](GatewayConfig#structfield.answer_bytes_max). Nothing is
/// retried and no redirect is followed. Connections are kept open for the next request.
///
/// ```no_run
/// use prompush::{GatewayConfig, HttpClient, HttpUrl};
///
/// let client = HttpClient::new(&GatewayConfig::default())?;
/// let answer = client.get(&HttpUrl::parse("http://localhost:8080")?, "/metrics", &[])?;
/// assert_eq!(answer.status, 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct HttpClient {
    agent: HttpAgent,
    attempt_timeout: Duration,
    answer_bytes_max: usize,
}

/// The response of a server, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// Whether the content type is HTML.
    pub is_html: bool,
    /// The whole body.
    pub body: Vec<u8>,
}

/// A request without a complete response.
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
    /// Why the request failed, as the kind that a failed push would have.
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
    /// Makes a client with the timeouts, the answer limit, the proxy and the TLS options of `config`.
    /// The other options are about pushes, and are ignored.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Option`] for a timeout of zero, and [`ConfigError::Format`] for a format that
    /// gateways do not read.
    pub fn new(config: &GatewayConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            agent: HttpAgent::new(config.agent_options()),
            attempt_timeout: config.attempt_timeout,
            answer_bytes_max: config.answer_bytes_max,
        })
    }

    /// Sends `GET` to `path` below `url`. `path` is empty or begins with a slash.
    ///
    /// # Errors
    ///
    /// [`HttpError`] when there is no complete response in time.
    pub fn get(
        &self,
        url: &HttpUrl,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<HttpAnswer, HttpError> {
        self.exchange("get", url, path, headers, None)
    }

    /// Sends `POST` with `body`, unchanged, to `path` below `url`. `path` is empty or begins with a
    /// slash. Credentials in the URL replace an `Authorization` header in `headers`.
    ///
    /// # Errors
    ///
    /// [`HttpError`] when there is no complete response in time.
    pub fn post(
        &self,
        url: &HttpUrl,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<HttpAnswer, HttpError> {
        self.exchange("post to", url, path, headers, Some(body))
    }

    /// Ends the requests that other threads are making, as far as possible, and refuses new ones.
    pub fn interrupt(&self) {
        self.agent.interrupt();
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
        let sent = self.agent.send_raw(method, &url.join(path), &headers, body, timeout);
        let mut answer = sent.map_err(|failure| failed(failure.kind, failure.cause))?;
        let (body, is_cut) = read_capped(&mut answer.body, self.answer_bytes_max)
            .map_err(|error| read_failure(error, timeout))
            .map_err(|failure| failed(failure.kind, failure.cause))?;
        if is_cut {
            let words = format!("the answer has more than {} bytes", self.answer_bytes_max);
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
