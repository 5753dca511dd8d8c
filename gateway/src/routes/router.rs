//! The router finds out what a request asks for. Its rules are those of Pushgateway 1.11.2.
//!
//! The router decodes the percent-encoding of a path before it cleans the path. So `%2F` separates two segments, and
//! `%2E%2E` means `..`.

use prompush_core::percent_decode;

use crate::routes::path::{clean_path, percent_encode};

/// The action that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// A push to a group: PUT if `replace`, otherwise POST.
    Push { replace: bool },
    /// DELETE of a group.
    Delete,
    /// GET of `/metrics`.
    Scrape,
    /// GET of the HTML page.
    Page,
    /// GET of `/-/healthy` or `/-/ready`. The string is the value of the label `handler` in our own metrics.
    HealthCheck(&'static str),
    /// PUT or POST to `/-/quit`.
    Quit,
    /// GET of `/-/quit`.
    QuitByGet,
    /// GET of `/api/v1/metrics`.
    ApiMetrics,
    /// GET of `/api/v1/status`.
    ApiStatus,
    /// OPTIONS of a path under `/api/v1/`.
    ApiOptions,
    /// PUT to `/api/v1/admin/wipe`.
    Wipe,
    /// The resource has another path. `status` is 301 or 307.
    Redirect { status: u16, location: String },
    /// OPTIONS. `allow` lists the methods of the resource; it is `None` for the target `*`.
    Options { allow: Option<String> },
    /// The resource exists, but not with this method. `allow` lists its methods.
    MethodNotAllowed { allow: String },
    /// The resource does not exist.
    NotFound,
    /// The target of the request is not a path.
    InvalidTarget,
}

/// The parts of a request line that the router needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLine<'a> {
    pub(crate) method: &'a str,
    /// The path as sent.
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    /// Scheme and authority of a target in absolute form.
    pub(crate) origin: Option<&'a str>,
}

const API_PREFIX: &str = "/api/v1";
const METHODS: [&str; 4] = ["DELETE", "GET", "POST", "PUT"];

/// Decides what a request asks for. Without `admin_api` there is no `/api/v1/admin/wipe`.
pub(crate) fn route(request: RequestLine<'_>, admin_api: bool) -> Route {
    if request.path == "*" {
        return if request.method == "OPTIONS" {
            Route::Options { allow: None }
        } else {
            Route::InvalidTarget
        };
    }
    let path = match percent_decode(request.path) {
        Some(path) if path.first() == Some(&b'/') => path,
        _ => return Route::InvalidTarget,
    };
    if request.method != "CONNECT" {
        let cleaned = clean_path(&path);
        if cleaned == API_PREFIX.as_bytes() {
            return moved(301, None, b"/api/v1/", request.query);
        }
        if cleaned != path {
            return moved(301, None, &cleaned, request.query);
        }
    }
    match path.strip_prefix(API_PREFIX.as_bytes()) {
        Some(api_path) if api_path.first() == Some(&b'/') => {
            if request.method == "OPTIONS" {
                return Route::ApiOptions;
            }
            route_with(&request, api_path, API_PREFIX, |method, path| {
                api_resource(method, path, admin_api)
            })
        }
        _ => route_with(&request, &path, "", resource),
    }
}

/// The route of a path outside `/api/v1`.
fn resource(method: &str, path: &[u8]) -> Option<Route> {
    let is_group = group_prefix(path).is_some();
    match (method, path) {
        ("PUT", _) if is_group => Some(Route::Push { replace: true }),
        ("POST", _) if is_group => Some(Route::Push { replace: false }),
        ("DELETE", _) if is_group => Some(Route::Delete),
        ("GET", b"/metrics") => Some(Route::Scrape),
        ("GET", b"/" | b"/status") => Some(Route::Page),
        ("GET", b"/-/healthy") => Some(Route::HealthCheck("healthy")),
        ("GET", b"/-/ready") => Some(Route::HealthCheck("ready")),
        ("GET", b"/-/quit") => Some(Route::QuitByGet),
        ("PUT" | "POST", b"/-/quit") => Some(Route::Quit),
        _ => None,
    }
}

/// The route of a path under `/api/v1`, given without that prefix.
fn api_resource(method: &str, path: &[u8], admin_api: bool) -> Option<Route> {
    match (method, path) {
        ("GET", b"/metrics") => Some(Route::ApiMetrics),
        ("GET", b"/status") => Some(Route::ApiStatus),
        ("PUT", b"/admin/wipe") if admin_api => Some(Route::Wipe),
        _ => None,
    }
}

/// The part of a group's path before the job. `None` if `path` is not a group's path, or if the job is empty.
fn group_prefix(path: &[u8]) -> Option<&'static str> {
    ["/metrics/job/", "/metrics/job@base64/"].into_iter().find(|prefix| {
        path.strip_prefix(prefix.as_bytes())
            .is_some_and(|rest| rest.first().is_some_and(|byte| *byte != b'/'))
    })
}

/// Finds the route of a path with the help of `resource`, and applies the rules that all resources share: redirects to
/// the intended path, OPTIONS, and 405. `prefix` is what the caller removed from the beginning of `path`.
fn route_with(
    request: &RequestLine<'_>,
    path: &[u8],
    prefix: &str,
    resource: impl Fn(&str, &[u8]) -> Option<Route>,
) -> Route {
    if let Some(route) = resource(request.method, path) {
        return route;
    }
    if METHODS.contains(&request.method)
        && let Some(intended) = intended_path(request.method, path, &resource)
    {
        let status = if request.method == "GET" { 301 } else { 307 };
        let location = [prefix.as_bytes(), &intended].concat();
        return moved(status, request.origin, &location, request.query);
    }
    let mut allow: Vec<&str> = METHODS
        .into_iter()
        .filter(|method| *method != request.method && resource(method, path).is_some())
        .collect();
    if allow.is_empty() {
        return Route::NotFound;
    }
    allow.push("OPTIONS");
    allow.sort_unstable();
    let allow = allow.join(", ");
    if request.method == "OPTIONS" {
        Route::Options { allow: Some(allow) }
    } else {
        Route::MethodNotAllowed { allow }
    }
}

/// The path that the client probably meant: the same in another letter case, or without the slash at the end.
fn intended_path(
    method: &str,
    path: &[u8],
    resource: &impl Fn(&str, &[u8]) -> Option<Route>,
) -> Option<Vec<u8>> {
    if path == b"/" {
        return None;
    }
    if method != "GET" && path == b"/metrics/job/" {
        return Some(b"/metrics/job".to_vec()); // As upstream does, although that is no resource either.
    }
    let lower = path.to_ascii_lowercase();
    if let Some(prefix) = group_prefix(&lower)
        && method != "GET"
    {
        let rest = path.get(prefix.len()..).unwrap_or_default();
        return Some([prefix.as_bytes(), rest].concat());
    }
    let without_slash = lower.strip_suffix(b"/").unwrap_or(&lower);
    resource(method, without_slash).map(|_| without_slash.to_vec())
}

/// A redirect to `path`, with the query of the request.
fn moved(status: u16, origin: Option<&str>, path: &[u8], query: Option<&str>) -> Route {
    let mut location = origin.unwrap_or_default().to_owned();
    location.push_str(&percent_encode(path));
    if let Some(query) = query {
        location.push('?');
        location.push_str(query);
    }
    Route::Redirect { status, location }
}
