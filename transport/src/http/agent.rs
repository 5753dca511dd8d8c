//! The HTTP client: the only file that sends requests through `ureq`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;
use prompush_core::clock::WAIT_MAX;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};
use ureq::{Agent, SendBody, http};

use crate::error::Cause;
use crate::http::deadline_interrupt::{DeadlineGuard, GuardedBody};
use crate::http::failure::{HttpFailure, HttpFailureKind, describe};
use crate::http::proxy::warn_of_socks;
use crate::http::request::{HttpRequest, HttpResponse, HttpSend};
use crate::http::sent_body::{BodyProgress, CountedBody};
use crate::http::tls::Tls;

/// The value of the header `User-Agent`.
const USER_AGENT: &str = concat!("prompush/", env!("CARGO_PKG_VERSION"));

/// The smallest body that is announced by `Expect: 100-continue`, in bytes.
///
/// The announcement lets a server that takes no body of this size, or wants a password first, say so
/// before the body is sent. Without it servers written in Go close the connection on bodies from
/// 256 KiB on.
const ANNOUNCED_BYTES_MIN: usize = 256 * 1024;

/// How long a server has to answer the announcement. After that the body is sent all the same.
const ANNOUNCEMENT_TIMEOUT: Duration = Duration::from_secs(1);

/// The smallest body that is sent under a [`DeadlineGuard`], in bytes. A smaller body fits into the
/// buffers of any connection, so that sending it does not block.
const GUARDED_BYTES_MIN: usize = 16 * 1024;

/// The options of the HTTP client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpAgentOptions<'a> {
    pub(crate) resolve_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    /// The usual time of one request. A request with less is one that a deadline cuts short.
    pub(crate) attempt_timeout: Duration,
    pub(crate) proxy_from_environment: bool,
    pub(crate) tls: &'a Tls,
}

/// The HTTP client.
#[derive(Debug)]
pub(crate) struct HttpAgent {
    agent: Agent,
    attempt_timeout: Duration,
    /// Set before the connections are closed, so that a request which fails can tell why. `Relaxed`
    /// would be enough, as the flag guards nothing else; it is used only at the end of a program.
    is_interrupted: AtomicBool,
    /// Dropped to end the guarded requests.
    guards: Mutex<Option<Sender<()>>>,
    interrupts: Receiver<()>,
}

impl HttpAgent {
    pub(crate) fn new(options: HttpAgentOptions<'_>) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(USER_AGENT)
            .tls_config(tls_config(options.tls))
            .timeout_resolve(Some(options.resolve_timeout.min(WAIT_MAX)))
            .timeout_connect(Some(options.connect_timeout.min(WAIT_MAX)))
            .timeout_await_100(Some(ANNOUNCEMENT_TIMEOUT))
            .timeout_global(Some(options.attempt_timeout.min(WAIT_MAX)));
        if !options.proxy_from_environment {
            config = config.proxy(None);
        }
        let config = config.build();
        warn_of_socks(&config);
        let (guards, interrupts) = bounded(0);
        Self {
            agent: config.new_agent(),
            attempt_timeout: options.attempt_timeout,
            is_interrupted: AtomicBool::new(false),
            guards: Mutex::new(Some(guards)),
            interrupts,
        }
    }

    /// Returns an agent for this request alone when the request must end exactly in time: when a
    /// deadline has cut its time, or when its body is large enough to block.
    ///
    /// Such an agent opens a connection of its own. An idle connection that has died unnoticed would
    /// cost the little time that there is.
    fn guarded_agent(&self, request: &HttpRequest<'_>) -> Option<Agent> {
        let body_bytes = request.body.map_or(0, |body| body.bytes.len());
        let guarded = request.timeout < self.attempt_timeout || body_bytes >= GUARDED_BYTES_MIN;
        guarded.then(|| Agent::new_with_config(self.agent.config().clone()))
    }

    /// Sends one request whose headers and body the caller has written.
    pub(crate) fn send_raw(
        &self,
        method: http::Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<HttpResponse, HttpFailure> {
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
            .map(|response| http_response(response, None))
            .map_err(|error| describe(error, BodyProgress::Unknown, timeout))
    }
}

impl HttpSend for HttpAgent {
    fn send(&self, request: &HttpRequest<'_>) -> Result<HttpResponse, HttpFailure> {
        let timeout = request.timeout;
        let own_agent = self.guarded_agent(request);
        let agent = own_agent.as_ref().unwrap_or(&self.agent);
        let guard = own_agent
            .clone()
            .and_then(|agent| DeadlineGuard::start(agent, timeout, self.interrupts.clone()));
        match send_by(agent, request) {
            Ok(response) => Ok(http_response(response, guard)),
            Err(_) if self.is_interrupted.load(Ordering::SeqCst) => {
                let cause = Cause::text("the attempt was interrupted at the deadline");
                Err(HttpFailure { kind: HttpFailureKind::Timeout, cause })
            }
            Err((ureq::Error::Io(_), sent)) if guard.is_some_and(|guard| guard.timed_out()) => {
                Err(describe(ureq::Error::Timeout(ureq::Timeout::Global), sent, timeout))
            }
            Err((error, sent)) => Err(describe(error, sent, timeout)),
        }
    }

    fn interrupt(&self) {
        self.is_interrupted.store(true, Ordering::SeqCst);
        self.agent.clone().shutdown();
        self.guards.lock().take();
    }
}

fn run(
    agent: &Agent,
    request: Result<http::Request<SendBody<'_>>, http::Error>,
    timeout: Duration,
) -> Result<http::Response<ureq::Body>, ureq::Error> {
    agent.run(agent.configure_request(request?).timeout_global(Some(timeout)).build())
}

/// Sends one request. An error comes with how much of the body had been sent.
fn send_by(
    agent: &Agent,
    request: &HttpRequest<'_>,
) -> Result<http::Response<ureq::Body>, (ureq::Error, BodyProgress)> {
    let head = request_head(request);
    match request.body {
        None => {
            let whole = head.and_then(|head| head.body(SendBody::none()));
            run(agent, whole, request.timeout).map_err(|error| (error, BodyProgress::Unknown))
        }
        Some(body) => {
            let mut reader = CountedBody::new(body.bytes);
            let whole = head.and_then(|head| head.body(SendBody::from_reader(&mut reader)));
            let result = run(agent, whole, request.timeout);
            let progress = reader.progress();
            result.map_err(|error| (error, progress))
        }
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
        // `Tls::client_files` has parsed the key already, so this succeeds.
        let key = PrivateKey::from_pem(&identity.key_pem).ok()?;
        Some(ClientCert::new_with_certs(&chain, key))
    });
    TlsConfig::builder()
        .root_certs(roots)
        .client_cert(identity)
        .disable_verification(tls.is_insecure())
        .build()
}

/// The method, the URL and the headers. An error about a header value does not show the value.
fn request_head(request: &HttpRequest<'_>) -> Result<http::request::Builder, http::Error> {
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

fn http_response(
    response: http::Response<ureq::Body>,
    guard: Option<DeadlineGuard>,
) -> HttpResponse {
    let (head, body) = response.into_parts();
    let header = |name| {
        let value = head.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let content_type = header(http::header::CONTENT_TYPE).unwrap_or_default();
    HttpResponse {
        status: head.status.as_u16(),
        location: header(http::header::LOCATION),
        retry_after: header(http::header::RETRY_AFTER),
        date: header(http::header::DATE),
        html: content_type.trim_start().to_ascii_lowercase().starts_with("text/html"),
        body: Box::new(GuardedBody { body: body.into_reader(), guard }),
    }
}
