//! One HTTP request and its answer: the only file that names the HTTP client, with the one below it.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};
use ureq::{Agent, SendBody, http};

use crate::error::cause::Cause;
use crate::exchange::config::GatewayConfig;
use crate::http::deadline::{DeadlineGuard, GuardedBody};
use crate::http::failure;
use crate::http::failure::{BodyProgress, HttpFailure, HttpFailureKind};
use crate::http::request::{Answer, HttpRequest, HttpSend};
use crate::http::tls::Tls;
use prompush_core::clock::WAIT_MAX;

/// How we name ourselves to gateways.
const USER_AGENT: &str = concat!("prompush/", env!("CARGO_PKG_VERSION"));

/// Bodies from this size on, in bytes, are announced (`Expect: 100-continue`), so that a server that
/// takes no body of this size, or wants a password first, can say so before it is sent, instead of
/// closing the connection on it. Servers written in Go close it from 256 KiB on.
/// A server that ignores the announcement is waited for one second at most.
const ANNOUNCED_BYTES_MIN: usize = 256 * 1024;

/// Longest wait for a server to answer the announcement.
const ANNOUNCEMENT_TIMEOUT: Duration = Duration::from_secs(1);

static WARNED_OF_SOCKS: Once = Once::new();

/// Bodies from this size on, in bytes, are sent under [`DeadlineGuard`]: a smaller one fits into what any
/// connection takes without waiting.
const WATCHED_BYTES_MIN: usize = 16 * 1024;

/// The real client.
#[derive(Debug)]
pub(crate) struct HttpAgent {
    agent: Agent,
    /// An attempt with less time than this is one before a deadline.
    attempt_timeout: Duration,
    /// Set before the connections are closed, so that it explains why they are. It guards nothing
    /// else, and `Relaxed` would do; a shutdown is no place to save a fence.
    interrupted: AtomicBool,
    /// Taken to end the attempts that are watched.
    watched: Mutex<Option<Sender<()>>>,
    interrupts: Receiver<()>,
}

impl HttpAgent {
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        let mut agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(USER_AGENT)
            .tls_config(tls_config(&config.tls))
            .timeout_resolve(Some(config.resolve_timeout.min(WAIT_MAX)))
            .timeout_connect(Some(config.connect_timeout.min(WAIT_MAX)))
            .timeout_await_100(Some(ANNOUNCEMENT_TIMEOUT))
            .timeout_global(Some(config.attempt_timeout.min(WAIT_MAX)));
        if !config.proxy_from_environment {
            agent = agent.proxy(None);
        }
        let (watched, interrupts) = bounded(0);
        let agent = agent.build();
        warn_of_socks(&agent);
        Self {
            agent: agent.new_agent(),
            attempt_timeout: config.attempt_timeout,
            interrupted: AtomicBool::new(false),
            watched: Mutex::new(Some(watched)),
            interrupts,
        }
    }
}

impl HttpSend for HttpAgent {
    fn send(&self, request: &HttpRequest<'_>) -> Result<Answer, HttpFailure> {
        let timeout = request.timeout;
        let watched = self.watched_agent(request);
        let agent = watched.clone().unwrap_or_else(|| self.agent.clone());
        let interrupts = self.interrupts.clone();
        let watch = watched.and_then(|agent| DeadlineGuard::start(agent, timeout, interrupts));
        match send_by(&agent, request) {
            Ok(response) => Ok(answer(response, watch)),
            Err(_) if self.interrupted.load(Ordering::SeqCst) => {
                let cause = Cause::text("the attempt was interrupted at the deadline");
                Err(HttpFailure { failure: HttpFailureKind::Timeout, cause })
            }
            Err((ureq::Error::Io(_), sent)) if watch.is_some_and(|watch| watch.timed_out()) => {
                Err(failure::describe(ureq::Error::Timeout(ureq::Timeout::Global), sent, timeout))
            }
            Err((error, sent)) => Err(failure::describe(error, sent, timeout)),
        }
    }

    fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
        self.agent.clone().shutdown();
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl HttpAgent {
    /// An agent for this request alone, where it is to end exactly in time: before a deadline, which
    /// has left it less than a whole attempt's time, and with a body that may have to wait. It opens
    /// a connection of its own: one that is kept and has died in silence would cost what time there
    /// is.
    fn watched_agent(&self, request: &HttpRequest<'_>) -> Option<Agent> {
        let body_bytes = request.body.map_or(0, |body| body.bytes.len());
        let watched = request.timeout < self.attempt_timeout || body_bytes >= WATCHED_BYTES_MIN;
        watched.then(|| Agent::new_with_config(self.agent.config().clone()))
    }

    /// Sends one request with headers and a body that somebody else wrote.
    pub(crate) fn send_raw(
        &self,
        method: http::Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<Answer, HttpFailure> {
        let mut builder = http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let result = match body {
            None => run(&self.agent, builder.body(SendBody::none()), timeout),
            Some(mut body) => {
                let builder = builder.header(http::header::CONTENT_LENGTH, body.len());
                run(&self.agent, builder.body(SendBody::from_reader(&mut body)), timeout)
            }
        };
        result
            .map(|response| answer(response, None))
            .map_err(|error| failure::describe(error, BodyProgress::Unknown, timeout))
    }
}

fn run(
    agent: &Agent,
    request: Result<http::Request<SendBody<'_>>, http::Error>,
    timeout: Duration,
) -> Result<http::Response<ureq::Body>, ureq::Error> {
    agent.run(agent.configure_request(request?).timeout_global(Some(timeout)).build())
}

/// One request; an error comes with how much of the body had been sent.
fn send_by(
    agent: &Agent,
    request: &HttpRequest<'_>,
) -> Result<http::Response<ureq::Body>, (ureq::Error, BodyProgress)> {
    let head = head(request);
    match request.body {
        None => {
            let whole = head.and_then(|head| head.body(SendBody::none()));
            run(agent, whole, request.timeout).map_err(|error| (error, BodyProgress::Unknown))
        }
        Some(body) => {
            let mut reader = CountedBody { bytes: body.bytes, asked: false };
            let whole = head.and_then(|head| head.body(SendBody::from_reader(&mut reader)));
            let result = run(agent, whole, request.timeout);
            let sent = reader.sent();
            result.map_err(|error| (error, sent))
        }
    }
}

/// The client would pass by such a proxy and say so in its own log only. Said once: it is the
/// environment of the whole program.
fn warn_of_socks(config: &ureq::config::Config) {
    use ureq::ProxyProtocol::{Http, Https};
    let protocol = config.proxy().map(ureq::Proxy::protocol);
    if let Some(protocol) = protocol.filter(|protocol| !matches!(protocol, Http | Https)) {
        WARNED_OF_SOCKS.call_once(|| {
            log::warn!(
                "the environment names a proxy of {protocol}, which is not used: HTTP ones are"
            );
        });
    }
}

fn tls_config(tls: &Tls) -> TlsConfig {
    let authorities = tls.authorities();
    let roots = if authorities.is_empty() {
        RootCerts::WebPki
    } else {
        authorities.iter().map(|der| Certificate::from_der(der).to_owned()).into()
    };
    let identity = tls.identity().and_then(|identity| {
        let chain: Vec<_> =
            identity.chain.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        // Read before, when the identity was made.
        let key = PrivateKey::from_pem(&identity.key_pem).ok()?;
        Some(ClientCert::new_with_certs(&chain, key))
    });
    TlsConfig::builder()
        .root_certs(roots)
        .client_cert(identity)
        .disable_verification(tls.is_insecure())
        .build()
}

/// A body that knows how much of it has been taken to be sent.
struct CountedBody<'a> {
    bytes: &'a [u8],
    asked: bool,
}

impl CountedBody<'_> {
    fn sent(&self) -> BodyProgress {
        match (self.asked, self.bytes.is_empty()) {
            (true, true) => BodyProgress::All,
            (true, false) => BodyProgress::Some,
            (false, true) => BodyProgress::Unknown,
            (false, false) => BodyProgress::Nothing,
        }
    }
}

impl Read for CountedBody<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.asked = true;
        self.bytes.read(buf)
    }
}

/// Method, URL and headers. The error of a value that no header can hold does not show it.
fn head(request: &HttpRequest<'_>) -> Result<http::request::Builder, http::Error> {
    let mut builder = http::Request::builder().method(&request.method).uri(request.url);
    for (name, value) in request.headers {
        let mut value = http::HeaderValue::from_str(value)?;
        value.set_sensitive(true);
        builder = builder.header(name, value);
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
    Ok(builder)
}

fn answer(response: http::Response<ureq::Body>, watch: Option<DeadlineGuard>) -> Answer {
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
        date: header(http::header::DATE),
        html: content_type.trim_start().to_ascii_lowercase().starts_with("text/html"),
        body: Box::new(GuardedBody { body: body.into_reader(), watch }),
    }
}
