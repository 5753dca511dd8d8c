//! Which request goes where, decided as Pushgateway 1.11.2 decides.
//!
//! The path is percent-decoded first and cleaned then, so `%2F` separates and `%2E%2E` climbs.

use prompush_core::percent_decode;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// PUT to a group (`replace`) or POST.
    Push { replace: bool },
    /// DELETE of a group.
    Delete,
    /// `/metrics`.
    Scrape,
    /// The HTML page.
    Page,
    /// `/-/healthy` and `/-/ready`, with the name of the handler.
    Alive(&'static str),
    /// PUT or POST to `/-/quit`.
    Quit,
    /// GET of `/-/quit`.
    QuitByGet,
    /// `/api/v1/metrics`.
    ApiMetrics,
    /// `/api/v1/status`.
    ApiStatus,
    /// OPTIONS of anything under `/api/v1/`.
    ApiOptions,
    /// PUT to `/api/v1/admin/wipe`.
    Wipe,
    /// The resource is elsewhere: 301 or 307.
    Redirect { status: u16, location: String },
    /// OPTIONS, with the methods that there are; none for `*`.
    Options { allow: Option<String> },
    /// The resource has other methods.
    MethodNotAllowed { allow: String },
    /// There is no such resource.
    NotFound,
    /// The target is not a path.
    BadTarget,
}

/// What is told of a request to route it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) method: &'a str,
    /// As sent.
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    /// Scheme and authority of the absolute form.
    pub(crate) origin: Option<&'a str>,
    /// Whether `/api/v1/admin/wipe` exists.
    pub(crate) admin: bool,
}

const API_PREFIX: &str = "/api/v1";
const METHODS: [&str; 4] = ["DELETE", "GET", "POST", "PUT"];

/// Decides where a request goes.
pub(crate) fn route(target: Target<'_>) -> Route {
    if target.path == "*" {
        return if target.method == "OPTIONS" {
            Route::Options { allow: None }
        } else {
            Route::BadTarget
        };
    }
    let path = match percent_decode(target.path) {
        Some(path) if path.first() == Some(&b'/') => path,
        _ => return Route::BadTarget,
    };
    if target.method != "CONNECT" {
        let cleaned = clean_path(&path);
        if cleaned == API_PREFIX.as_bytes() {
            return moved(301, None, b"/api/v1/", target.query);
        }
        if cleaned != path {
            return moved(301, None, &cleaned, target.query);
        }
    }
    match path.strip_prefix(API_PREFIX.as_bytes()) {
        Some(api_path) if api_path.first() == Some(&b'/') => {
            if target.method == "OPTIONS" {
                return Route::ApiOptions;
            }
            route_in(&target, api_path, API_PREFIX, |method, path| {
                api_resource(method, path, target.admin)
            })
        }
        _ => route_in(&target, &path, "", resource),
    }
}

fn resource(method: &str, path: &[u8]) -> Option<Route> {
    let is_group = group_prefix(path).is_some();
    match (method, path) {
        ("PUT", _) if is_group => Some(Route::Push { replace: true }),
        ("POST", _) if is_group => Some(Route::Push { replace: false }),
        ("DELETE", _) if is_group => Some(Route::Delete),
        ("GET", b"/metrics") => Some(Route::Scrape),
        ("GET", b"/" | b"/status") => Some(Route::Page),
        ("GET", b"/-/healthy") => Some(Route::Alive("healthy")),
        ("GET", b"/-/ready") => Some(Route::Alive("ready")),
        ("GET", b"/-/quit") => Some(Route::QuitByGet),
        ("PUT" | "POST", b"/-/quit") => Some(Route::Quit),
        _ => None,
    }
}

fn api_resource(method: &str, path: &[u8], admin: bool) -> Option<Route> {
    match (method, path) {
        ("GET", b"/metrics") => Some(Route::ApiMetrics),
        ("GET", b"/status") => Some(Route::ApiStatus),
        ("PUT", b"/admin/wipe") if admin => Some(Route::Wipe),
        _ => None,
    }
}

/// The prefix of a group's path, if `path` is one: it is followed by a job that is not empty.
fn group_prefix(path: &[u8]) -> Option<&'static str> {
    ["/metrics/job/", "/metrics/job@base64/"].into_iter().find(|prefix| {
        path.strip_prefix(prefix.as_bytes())
            .is_some_and(|rest| rest.first().is_some_and(|byte| *byte != b'/'))
    })
}

fn route_in(
    target: &Target<'_>,
    path: &[u8],
    prefix: &str,
    resource: impl Fn(&str, &[u8]) -> Option<Route>,
) -> Route {
    if let Some(route) = resource(target.method, path) {
        return route;
    }
    if METHODS.contains(&target.method)
        && let Some(meant) = meant_path(target.method, path, &resource)
    {
        let status = if target.method == "GET" { 301 } else { 307 };
        let location = [prefix.as_bytes(), &meant].concat();
        return moved(status, target.origin, &location, target.query);
    }
    let mut allow: Vec<&str> = METHODS
        .into_iter()
        .filter(|method| *method != target.method && resource(method, path).is_some())
        .collect();
    if allow.is_empty() {
        return Route::NotFound;
    }
    allow.push("OPTIONS");
    allow.sort_unstable();
    let allow = allow.join(", ");
    if target.method == "OPTIONS" {
        Route::Options { allow: Some(allow) }
    } else {
        Route::MethodNotAllowed { allow }
    }
}

/// The path that was probably meant: another letter case, or without a slash at the end.
fn meant_path(
    method: &str,
    path: &[u8],
    resource: &impl Fn(&str, &[u8]) -> Option<Route>,
) -> Option<Vec<u8>> {
    if path == b"/" {
        return None;
    }
    if method != "GET" && path == b"/metrics/job/" {
        return Some(b"/metrics/job".to_vec()); // as upstream, although that is no resource either
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

fn moved(status: u16, origin: Option<&str>, path: &[u8], query: Option<&str>) -> Route {
    let mut location = origin.unwrap_or_default().to_owned();
    location.push_str(&percent_encode(path));
    if let Some(query) = query {
        location.push('?');
        location.push_str(query);
    }
    Route::Redirect { status, location }
}

/// Removes `.`, `..` and empty segments; keeps a slash at the end.
fn clean_path(path: &[u8]) -> Vec<u8> {
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let mut cleaned = vec![b'/'];
    cleaned.extend_from_slice(&segments.join(&b'/'));
    if path.last() == Some(&b'/') && cleaned.len() > 1 {
        cleaned.push(b'/');
    }
    cleaned
}

/// Encodes what is not allowed in a path, and what Go's `net/url` encodes besides.
pub(crate) fn percent_encode(path: &[u8]) -> String {
    const HEX: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut encoded = String::with_capacity(path.len());
    for &byte in path {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'~'
            | b'$'
            | b'&'
            | b'+'
            | b','
            | b'/'
            | b':'
            | b';'
            | b'='
            | b'@' => encoded.push(char::from(byte)),
            _ => {
                encoded.push('%');
                for half in [byte >> 4, byte & 15] {
                    encoded.push(HEX.get(usize::from(half)).copied().unwrap_or('0'));
                }
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned() {
        let check = |path: &str, expected: &str| {
            assert_eq!(clean_path(path.as_bytes()), expected.as_bytes(), "{path}");
        };
        check("/", "/");
        check("//", "/");
        check("/a//b", "/a/b");
        check("/a/./b/", "/a/b/");
        check("/a/b/..", "/a");
        check("/a/b/../", "/a/");
        check("/../../a", "/a");
        check("/a/...", "/a/...");
    }

    #[test]
    fn every_byte_survives_encoding() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(percent_decode(&percent_encode(&bytes)), Some(bytes));
    }
}
