//! One HTTP request and its answer: the only file that names the HTTP client.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ureq::{Agent, SendBody, Timeout, http};

use crate::clock::WAIT_MAX;
use crate::config::GatewayConfig;
use crate::error::Cause;
use crate::verdict::Failure;

/// How we name ourselves to gateways.
const USER_AGENT: &str = concat!("prompush/", env!("CARGO_PKG_VERSION"));

/// Bodies from this size on, in bytes, are announced (`Expect: 100-continue`), so that a server that
/// takes no body of this size can say so before it is sent, instead of closing the connection on it.
/// A server that ignores the announcement is waited for one second at most.
const ANNOUNCED_BYTES_MIN: usize = 1024 * 1024;

/// Longest wait for a server to answer the announcement.
const ANNOUNCEMENT_TIMEOUT: Duration = Duration::from_secs(1);

/// What the push path asks of an HTTP client; tests pass one of their own.
pub(crate) trait HttpSend: Send + Sync {
    /// Sends one request and returns its answer, whatever its status. Redirects are not followed.
    /// Reading the answer's body counts against the request's timeout too.
    fn send(&self, request: &HttpRequest<'_>) -> Result<Answer, SendFailure>;

    /// Ends requests in flight on other threads, as far as possible, and refuses new ones.
    fn interrupt(&self);
}

/// A request. Credentials are in `authorization` only, never in `url`.
#[derive(Debug)]
pub(crate) struct HttpRequest<'a> {
    pub(crate) method: http::Method,
    pub(crate) url: &'a str,
    pub(crate) authorization: Option<&'a str>,
    pub(crate) body: Option<HttpBody<'a>>,
    /// From looking up the name to the last byte of the answer.
    pub(crate) timeout: Duration,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpBody<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) content_type: &'static str,
    pub(crate) gzip: bool,
}

/// An answer whose body is still to be read.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) retry_after: Option<String>,
    /// Whether the answer calls itself HTML.
    pub(crate) html: bool,
    pub(crate) body: Box<dyn Read + Send>,
}

/// No answer, or not the whole of it.
#[derive(Debug)]
pub(crate) struct SendFailure {
    pub(crate) failure: Failure,
    pub(crate) cause: Cause,
}

/// The real client.
#[derive(Debug)]
pub(crate) struct UreqSend {
    agent: Agent,
    /// Set before the connections are closed, so that it explains why they are. It guards nothing
    /// else, and `Relaxed` would do; a shutdown is no place to save a fence.
    interrupted: AtomicBool,
}

impl UreqSend {
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        let mut agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(USER_AGENT)
            .timeout_resolve(Some(config.resolve_timeout.min(WAIT_MAX)))
            .timeout_connect(Some(config.connect_timeout.min(WAIT_MAX)))
            .timeout_await_100(Some(ANNOUNCEMENT_TIMEOUT))
            .timeout_global(Some(config.attempt_timeout.min(WAIT_MAX)));
        if !config.proxy_from_environment {
            agent = agent.proxy(None);
        }
        Self { agent: agent.build().new_agent(), interrupted: AtomicBool::new(false) }
    }
}

impl HttpSend for UreqSend {
    fn send(&self, request: &HttpRequest<'_>) -> Result<Answer, SendFailure> {
        let builder = head(request);
        let (result, sent) = match request.body {
            None => (self.run(builder.body(()), request.timeout), Sent::Unknown),
            Some(body) => {
                let mut reader = Counted { bytes: body.bytes, asked: false };
                let send_body = SendBody::from_reader(&mut reader);
                let result = self.run(builder.body(send_body), request.timeout);
                (result, reader.sent())
            }
        };
        result.map(answer).map_err(|error| {
            if self.interrupted.load(Ordering::SeqCst) {
                let cause = Cause::text("the attempt was interrupted at the deadline");
                return SendFailure { failure: Failure::Timeout, cause };
            }
            describe(error, sent, request.timeout)
        })
    }

    fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
        self.agent.clone().shutdown();
    }
}

impl UreqSend {
    fn run(
        &self,
        request: Result<http::Request<impl ureq::AsSendBody>, http::Error>,
        timeout: Duration,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let request = self.agent.configure_request(request?).timeout_global(Some(timeout)).build();
        self.agent.run(request)
    }
}

/// How much of a request's body had been sent when something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    /// There is no body to tell by.
    Unknown,
    /// The client never came to the body: as a rule there was no connection yet.
    Nothing,
    Some,
    All,
}

/// A body that knows how much of it has been taken to be sent.
struct Counted<'a> {
    bytes: &'a [u8],
    asked: bool,
}

impl Counted<'_> {
    fn sent(&self) -> Sent {
        match (self.asked, self.bytes.is_empty()) {
            (true, true) => Sent::All,
            (true, false) => Sent::Some,
            (false, true) => Sent::Unknown,
            (false, false) => Sent::Nothing,
        }
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.asked = true;
        self.bytes.read(buf)
    }
}

/// Method, URL and headers.
fn head(request: &HttpRequest<'_>) -> http::request::Builder {
    let mut builder = http::Request::builder().method(&request.method).uri(request.url);
    if let Some(authorization) = request.authorization {
        builder = builder.header(http::header::AUTHORIZATION, authorization);
    }
    if let Some(body) = &request.body {
        builder = builder
            .header(http::header::CONTENT_TYPE, body.content_type)
            .header(http::header::CONTENT_LENGTH, body.bytes.len());
        if body.bytes.len() >= ANNOUNCED_BYTES_MIN {
            builder = builder.header(http::header::EXPECT, "100-continue");
        }
        if body.gzip {
            builder = builder.header(http::header::CONTENT_ENCODING, "gzip");
        }
    }
    builder
}

fn answer(response: http::Response<ureq::Body>) -> Answer {
    let (head, body) = response.into_parts();
    let header = |name| {
        let value = head.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let content_type = header(http::header::CONTENT_TYPE).unwrap_or_default();
    Answer {
        status: head.status.as_u16(),
        location: header(http::header::LOCATION),
        retry_after: header(http::header::RETRY_AFTER),
        html: content_type.trim_start().to_ascii_lowercase().starts_with("text/html"),
        body: Box::new(body.into_reader()),
    }
}

/// What an error while reading an answer's body means.
pub(crate) fn read_failure(error: io::Error, timeout: Duration) -> SendFailure {
    describe(ureq::Error::from(error), Sent::All, timeout)
}

fn describe(error: ureq::Error, sent: Sent, timeout: Duration) -> SendFailure {
    use ureq::Error;
    let failure = match &error {
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => Failure::Unreachable,
        Error::Timeout(_) if sent == Sent::Nothing => Failure::Unreachable,
        Error::Timeout(_) => Failure::Timeout,
        Error::Io(error) => io_failure(error.kind(), sent),
        Error::HostNotFound | Error::ConnectionFailed | Error::ConnectProxyFailed(_) => {
            Failure::Unreachable
        }
        Error::Tls(_) | Error::Pem(_) | Error::Rustls(_) | Error::TlsRequired => Failure::Tls,
        _ => Failure::Garbled,
    };
    let cause = match error {
        Error::Timeout(Timeout::Resolve) => {
            Cause::text("looking up the gateway's name took too long")
        }
        Error::Timeout(Timeout::Connect) => Cause::text("connecting took too long"),
        Error::Timeout(_) if sent == Sent::Nothing => {
            Cause::Text(format!("no connection was made within {timeout:.1?}"))
        }
        Error::Timeout(_) => Cause::Text(format!("the attempt took longer than {timeout:.1?}")),
        Error::Io(error) => Cause::other(error),
        Error::Protocol(error) => Cause::Text(format!("the answer is not HTTP: {error}")),
        error => Cause::other(error),
    };
    SendFailure { failure, cause }
}

fn io_failure(kind: io::ErrorKind, sent: Sent) -> Failure {
    match kind {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected => Failure::Dropped { after_body: sent == Sent::All },
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Failure::Timeout,
        // This is how a handshake that cannot be agreed on comes out of the TLS library.
        io::ErrorKind::InvalidData => Failure::Tls,
        _ => Failure::Unreachable,
    }
}
