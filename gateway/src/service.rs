//! The gateway as a handler of requests: route, decode, check, store, answer.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use prompush_core::clock::Clock;
use prompush_core::{PathError, percent_decode};
use prompush_http_server::{Handler, Request, Response};

use crate::api;
use crate::body;
use crate::config::Config;
use crate::error::{BodyError, Inconsistency, Refusal};
use crate::exposition;
use crate::group_key::{GroupKey, printable};
use crate::moment::Moment;
use crate::own_metrics::OwnMetrics;
use crate::page;
use crate::render::Renderer;
use crate::route::{Route, Target, percent_encode, route};
use crate::store::{Store, StoreLimits};

/// The gateway behind its host.
#[derive(Debug)]
pub(crate) struct Service {
    config: Config,
    clock: Arc<dyn Clock>,
    /// Monotonic time is counted from here.
    start: Instant,
    started: Moment,
    renderer: Renderer,
    store: Mutex<Store>,
    own: Mutex<OwnMetrics>,
}

/// Why a push is answered with something else than 200 or 202.
enum PushFault {
    Path(PathError),
    Body(BodyError),
    Refused(Refusal),
}

impl Service {
    fn now(&self) -> Moment {
        Moment::now(self.clock.as_ref(), self.start)
    }

    pub(crate) fn new(config: Config, clock: Arc<dyn Clock>) -> Self {
        let limits = StoreLimits {
            groups_max: config.groups_max,
            series_max: config.series_max,
            bytes_max: config.exposition_bytes_max,
            expiration: config.metric_expiration.filter(|lifetime| !lifetime.is_zero()),
        };
        let renderer = Renderer::new(config.exposition_bytes_max);
        let store = Mutex::new(Store::new(limits, renderer.clone()));
        let start = clock.now();
        let started = Moment::now(clock.as_ref(), start);
        Self { config, clock, start, started, renderer, store, own: Mutex::default() }
    }

    fn push(&self, request: &Request, replace: bool) -> Response {
        let started = self.now();
        let response = match self.try_push(request, replace) {
            Ok(()) if self.config.disable_consistency_check => Response::empty(202),
            Ok(()) => Response::empty(200),
            Err(fault) => fault.response(),
        };
        let took = self.now().monotonic.saturating_sub(started.monotonic);
        self.own.lock().note_push(request.method(), took, request.body().len());
        response
    }

    fn try_push(&self, request: &Request, replace: bool) -> Result<(), PushFault> {
        let key = group_key(request.path());
        // That a value is not UTF-8 is found, as upstream, only after the body was parsed.
        if let Err(error) = &key
            && !matches!(error, PathError::NotUtf8(_))
        {
            return Err(PushFault::Path(error.clone()));
        }
        let encoding = request.header("Content-Encoding");
        let body = body::decompress(request.body(), encoding, self.config.decompressed_bytes_max)
            .map_err(PushFault::Body)?;
        let exposition =
            body::parse(&body, request.header("Content-Type")).map_err(PushFault::Body)?;
        let key = key.map_err(|_| PushFault::Refused(Inconsistency::NotUtf8.into()))?;
        let rendered = self.renderer.render(&exposition, &key);
        let mut store = self.store.lock();
        let now = self.now();
        store.expire(now);
        let stored = rendered.and_then(|rendered| store.push(&key, rendered, replace, now));
        stored.map_err(|refusal| {
            store.note_failure(&key, now);
            log::warn!("push to {} refused: {}", key.for_log(), printable(&refusal.to_string()));
            PushFault::Refused(refusal)
        })
    }

    fn delete(&self, request: &Request) -> Response {
        match group_key(request.path()) {
            Ok(key) => {
                self.store.lock().delete(&key);
                Response::empty(202)
            }
            // No group has such a key, so there is nothing to delete.
            Err(PathError::NotUtf8(_)) => Response::empty(202),
            Err(error) => Response::error(400, &error.to_string()),
        }
    }

    fn scrape(&self, request: &Request) -> Response {
        let own = self.own.lock().families();
        let mut store = self.store.lock();
        store.expire(self.now());
        let text = exposition::write_exposition(&mut store, own);
        drop(store);
        let mut response = Response::with_body(200, exposition::CONTENT_TYPE, text);
        response.gzip = accepts_gzip(request);
        response
    }

    fn page(&self) -> Response {
        let mut store = self.store.lock();
        store.expire(self.now());
        Response::with_body(200, "text/html; charset=utf-8", page::write_page(&store))
    }

    fn api_metrics(&self) -> Response {
        let mut store = self.store.lock();
        store.expire(self.now());
        match api::write_metrics(&store) {
            Ok(body) => with_api_headers(Response::with_body(200, "application/json", body)),
            Err(error) => Response::error(500, &error.to_string()),
        }
    }

    fn quit(&self) -> Response {
        if !self.config.enable_lifecycle {
            return Response::text(403, "Lifecycle API is not enabled.");
        }
        log::warn!("asked to stop by a request");
        Response { shutdown: true, ..Response::text(200, "Requesting termination... Goodbye!") }
    }

    /// Answers, and names the handler under which the request is counted.
    fn respond(&self, request: &Request, route: Route) -> (Option<&'static str>, Response) {
        match route {
            Route::Push { replace } => (Some("push"), self.push(request, replace)),
            Route::Delete => (Some("delete"), self.delete(request)),
            Route::Scrape => (None, self.scrape(request)),
            Route::Page => (Some("status"), self.page()),
            Route::Alive(name) => (Some(name), Response::text(200, "OK")),
            Route::Quit => (None, self.quit()),
            Route::QuitByGet => (None, Response::text(405, "Only POST or PUT requests allowed.")),
            Route::ApiMetrics => (Some("api/v1/metrics"), self.api_metrics()),
            Route::ApiStatus => {
                let body = api::write_status(&self.config, self.started);
                let response = Response::with_body(200, "application/json", body);
                (Some("api/v1/status"), with_api_headers(response))
            }
            Route::ApiOptions => (Some("api/v1/options"), with_api_headers(Response::empty(200))),
            Route::Wipe => {
                self.store.lock().wipe();
                (Some("wipe"), Response::empty(202))
            }
            Route::Redirect { status, location } => (None, redirect(request, status, location)),
            Route::Options { allow } => {
                let response = Response::empty(200);
                let allowed = allow.map(|allow| response.clone().header("Allow", allow));
                (None, allowed.unwrap_or(response))
            }
            Route::MethodNotAllowed { allow } => {
                (None, Response::error(405, "Method Not Allowed").header("Allow", allow))
            }
            Route::NotFound => (None, Response::error(404, "404 page not found")),
            Route::BadTarget if request.path() == "*" => (None, Response::empty(400).closing()),
            Route::BadTarget => (None, Response::text(400, "400 Bad Request").closing()),
        }
    }
}

impl Handler for Service {
    fn handle(&self, request: &Request) -> Response {
        let origin = request.origin();
        let target = Target {
            method: request.method(),
            path: request.path(),
            query: request.query(),
            origin: origin.as_deref(),
            admin: self.config.enable_admin_api,
        };
        let (handler, response) = self.respond(request, route(target));
        if let Some(handler) = handler {
            self.own.lock().count_request(handler, request.method(), response.status);
        }
        response
    }

    fn tick(&self) {
        let expired = self.store.lock().expire(self.now());
        if expired > 0 {
            log::debug!("{expired} groups expired");
        }
    }
}

impl PushFault {
    fn response(self) -> Response {
        match self {
            Self::Path(error) => Response::error(400, &error.to_string()),
            Self::Body(error @ BodyError::TooLarge(_)) => Response::error(413, &error.to_string()),
            Self::Body(error) => Response::error(400, &error.to_string()),
            Self::Refused(refusal @ Refusal::Inconsistent(_)) => {
                Response::error(400, &refusal.to_string())
            }
            Self::Refused(refusal @ Refusal::Full { .. }) => {
                /// Time after which a client may find room, if it wants to try again.
                const RETRY_AFTER: Duration = Duration::from_secs(30);
                Response::error(503, &refusal.to_string())
                    .header("Retry-After", RETRY_AFTER.as_secs().to_string())
            }
        }
    }
}

/// The key in a group's path as sent. The router has seen that, decoded, it begins with `/metrics/job`.
fn group_key(path: &str) -> Result<GroupKey, PathError> {
    let after_metrics = if let Some(rest) = path.strip_prefix("/metrics") {
        Cow::Borrowed(rest)
    } else {
        // A letter of the prefix itself is percent-encoded.
        let decoded = percent_decode(path).unwrap_or_default();
        Cow::Owned(percent_encode(decoded.strip_prefix(b"/metrics").unwrap_or_default()))
    };
    prompush_core::decode_path(&after_metrics).map(GroupKey::new)
}

fn with_api_headers(response: Response) -> Response {
    api::HEADERS.into_iter().fold(response, |response, (name, value)| response.header(name, value))
}

/// As Go's `http.Redirect`: with a page for GET, empty for others.
fn redirect(request: &Request, status: u16, location: String) -> Response {
    let response = if request.method() == "GET" {
        let name = if status == 301 { "Moved Permanently" } else { "Temporary Redirect" };
        let href = location.replace('&', "&amp;").replace('"', "&#34;").replace('\'', "&#39;");
        let href = href.replace('<', "&lt;").replace('>', "&gt;");
        let page = format!("<a href=\"{href}\">{name}</a>.\n\n");
        Response::with_body(status, "text/html; charset=utf-8", page)
    } else {
        Response::empty(status)
    };
    response.header("Location", location)
}

/// Whether the client takes gzip: it names it, and not with a weight of zero.
fn accepts_gzip(request: &Request) -> bool {
    request.headers("Accept-Encoding").flat_map(|header| header.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let is_refused = parts.any(|part| {
            part.strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0_f32))
        });
        is_gzip && !is_refused
    })
}
