//! The handler of all requests.

use std::sync::Arc;

use prompush_core::clock::Clock;
use prompush_http_server::{Handler, Request, Response};

use crate::config::Config;
use crate::routes::redirect::redirect;
use crate::routes::router::{RequestLine, Route, route};
use crate::routes::{push, read};
use crate::state::GatewayState;

/// Answers the requests to a gateway.
#[derive(Debug)]
pub(crate) struct GatewayHandler {
    state: GatewayState,
}

impl GatewayHandler {
    pub(crate) fn new(config: Config, clock: Arc<dyn Clock>) -> Self {
        Self { state: GatewayState::new(config, clock) }
    }

    /// The response, and the value of the label `handler` with which our own metrics count the request. Like upstream,
    /// the gateway does not count every request: then the value is `None`.
    fn respond(&self, request: &Request, route: Route) -> (Option<&'static str>, Response) {
        let state = &self.state;
        match route {
            Route::Push { replace } => (Some("push"), push::push(state, request, replace)),
            Route::Delete => (Some("delete"), push::delete(state, request)),
            Route::Scrape => (None, read::scrape(state, request)),
            Route::Page => (Some("status"), read::page(state)),
            Route::HealthCheck(name) => (Some(name), Response::text(200, "OK")),
            Route::Quit => (None, self.quit()),
            Route::QuitByGet => (None, Response::text(405, "Only POST or PUT requests allowed.")),
            Route::ApiMetrics => (Some("api/v1/metrics"), read::api_metrics(state)),
            Route::ApiStatus => (Some("api/v1/status"), read::api_status(state)),
            Route::ApiOptions => (Some("api/v1/options"), read::api_options()),
            Route::Wipe => {
                state.store.lock().wipe();
                (Some("wipe"), Response::empty(202))
            }
            Route::Redirect { status, location } => (None, redirect(request, status, location)),
            Route::Options { allow: None } => (None, Response::empty(200)),
            Route::Options { allow: Some(allow) } => {
                (None, Response::empty(200).header("Allow", allow))
            }
            Route::MethodNotAllowed { allow } => {
                (None, Response::error(405, "Method Not Allowed").header("Allow", allow))
            }
            Route::NotFound => (None, Response::error(404, "404 page not found")),
            Route::InvalidTarget if request.path() == "*" => (None, Response::empty(400).closing()),
            Route::InvalidTarget => (None, Response::text(400, "400 Bad Request").closing()),
        }
    }

    fn quit(&self) -> Response {
        if !self.state.config.enable_lifecycle {
            return Response::text(403, "Lifecycle API is not enabled.");
        }
        log::warn!("a request to `/-/quit` shuts the gateway down");
        Response { shutdown: true, ..Response::text(200, "Requesting termination... Goodbye!") }
    }
}

impl Handler for GatewayHandler {
    fn handle(&self, request: &Request) -> Response {
        let origin = request.origin();
        let request_line = RequestLine {
            method: request.method(),
            path: request.path(),
            query: request.query(),
            origin: origin.as_deref(),
        };
        let route = route(request_line, self.state.config.enable_admin_api);
        let (handler, response) = self.respond(request, route);
        if let Some(handler) = handler {
            self.state.own_metrics.count_request(handler, request.method(), response.status);
        }
        response
    }

    fn tick(&self) {
        let expired = self.state.store.lock().expire(self.state.now());
        if expired > 0 {
            log::debug!("{expired} groups expired");
        }
    }
}
