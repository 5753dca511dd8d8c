//! The routes that read the store: the scrape, the JSON, and the page.

use prompush_http_server::{Request, Response};

use crate::state::GatewayState;
use crate::views::{api, exposition, page};

/// `/metrics`.
pub(crate) fn scrape(state: &GatewayState, request: &Request) -> Response {
    let own = match state.own_metrics.encode() {
        Ok(own) => own,
        Err(error) => return Response::error(500, &error.to_string()),
    };
    let mut store = state.store.lock();
    store.expire(state.now());
    let text = exposition::write_exposition(&mut store, &own);
    drop(store);
    let mut response = Response::with_body(200, exposition::CONTENT_TYPE, text);
    response.gzip = accepts_gzip(request);
    response
}

/// The HTML page.
pub(crate) fn page(state: &GatewayState) -> Response {
    let mut store = state.store.lock();
    store.expire(state.now());
    Response::with_body(200, "text/html; charset=utf-8", page::write_page(&store))
}

/// `/api/v1/metrics`.
pub(crate) fn api_metrics(state: &GatewayState) -> Response {
    let mut store = state.store.lock();
    store.expire(state.now());
    match api::write_metrics(&store) {
        Ok(body) => with_api_headers(Response::with_body(200, "application/json", body)),
        Err(error) => Response::error(500, &error.to_string()),
    }
}

/// `/api/v1/status`.
pub(crate) fn api_status(state: &GatewayState) -> Response {
    let body = api::write_status(&state.config, state.started);
    with_api_headers(Response::with_body(200, "application/json", body))
}

/// OPTIONS of a path under `/api/v1/`.
pub(crate) fn api_options() -> Response {
    with_api_headers(Response::empty(200))
}

fn with_api_headers(response: Response) -> Response {
    api::HEADERS.into_iter().fold(response, |response, (name, value)| response.header(name, value))
}

/// Whether the client accepts gzip: `Accept-Encoding` names it, and not with the weight 0.
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
