//! The URL of a gateway, parsed once and shown without its credentials.

use std::fmt;
use std::net::Ipv6Addr;

use percent_encoding::percent_decode_str;

use crate::error::redacted_url::{REDACTED, redact};
use crate::error::{ConfigError, RedactedUrl};
use crate::http::credentials::basic;

/// The base URL of a gateway or of another HTTP server.
///
/// A URL is checked when it is parsed. Credentials in it are sent as basic authentication, and shown in
/// no message.
///
/// ```
/// use prompush::HttpUrl;
///
/// let url = HttpUrl::parse("http://user:secret@gateway:9091/prefix/")?;
/// assert_eq!((url.host(), url.port(), url.path()), ("gateway", Some(9091), "/prefix"));
/// assert_eq!(url.to_redacted().to_string(), "http://***@gateway:9091/prefix");
/// # Ok::<(), prompush::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HttpUrl {
    /// Invariant: does not end in a slash, and holds no credentials.
    base: String,
    is_https: bool,
    /// An IPv6 address is without its brackets.
    host: String,
    port: Option<u16>,
    /// Invariant: empty, or begins with a slash and does not end in one.
    path: String,
    authorization: Option<String>,
}

impl HttpUrl {
    /// Parses a URL such as `http://host:9091`, `https://user:password@host/prefix/` or `[::1]:9091`.
    ///
    /// Without a scheme the URL is `http`, because the Pushgateway's own documents often leave the
    /// scheme out. A query, a fragment, and a path with `.`, `..` or empty segments are refused.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Url`] with the value, its credentials shown as `***`, and with what was expected.
    pub fn parse(value: &str) -> Result<Self, ConfigError> {
        let fail = |expected| ConfigError::Url { value: redact(value), expected };
        if value.is_empty() {
            return Err(fail("a URL such as `http://localhost:9091`, but it is empty"));
        }
        if let Some(c) = value.chars().find(|c| c.is_whitespace() || c.is_control()) {
            return Err(fail(if c == '\n' || c == '\r' {
                "a URL without line breaks"
            } else {
                "a URL without spaces or control characters"
            }));
        }
        let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err(fail("a URL that begins with `http://` or `https://`"));
        }
        if rest.contains('?') || rest.contains('#') {
            return Err(fail("a URL without a query (`?`) and without a fragment (`#`)"));
        }
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, path.trim_end_matches('/')),
            None => (rest, ""),
        };
        let (userinfo, host_and_port) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        let (host, port) = parse_host_and_port(host_and_port).map_err(fail)?;
        check_path(path).map_err(fail)?;
        let authorization = userinfo.map(basic_authorization).transpose().map_err(fail)?;
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        Ok(Self {
            base: format!("{scheme}://{host_and_port}{path}"),
            is_https: scheme == "https",
            host: host.to_owned(),
            port,
            path,
            authorization,
        })
    }

    /// The port; `None` when the URL names none.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The host as the URL writes it; an IPv6 address is without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path: empty, or `/prefix` without a slash at its end.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The URL for messages.
    pub fn to_redacted(&self) -> RedactedUrl {
        self.redacted("")
    }

    pub(crate) fn is_https(&self) -> bool {
        self.is_https
    }

    /// The URL without credentials, and without a slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The URL of a request. `path` is empty or begins with a slash.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The URL of a request, for messages.
    pub(crate) fn redacted(&self, path: &str) -> RedactedUrl {
        match (&self.authorization, self.base.split_once("://")) {
            (Some(_), Some((scheme, rest))) => {
                RedactedUrl::new(format!("{scheme}://{REDACTED}@{rest}"), path, self.port)
            }
            _ => RedactedUrl::new(self.base.clone(), path, self.port),
        }
    }

    /// The value of the `Authorization` header, when the URL has credentials.
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpUrl").field(&self.to_redacted().to_string()).finish()
    }
}

/// Returns the host and the port, or what was expected instead.
fn parse_host_and_port(host_and_port: &str) -> Result<(&str, Option<u16>), &'static str> {
    let bracketed = host_and_port.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = if let Some((address, port)) = bracketed {
        address.parse::<Ipv6Addr>().map_err(|_| "an IPv6 address such as `[::1]`")?;
        match port.strip_prefix(':') {
            None if port.is_empty() => (address, None),
            None => return Err("`:` and a port after `]`"),
            port => (address, port),
        }
    } else {
        let (host, port) = match host_and_port.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host_and_port, None),
        };
        if host.is_empty() {
            return Err("a host, as in `http://localhost:9091`");
        }
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        if !host.bytes().all(allowed) {
            return Err(
                "a host of letters, digits, `-`, `.` and `_`, or an IPv6 address in `[` `]`",
            );
        }
        (host, port)
    };
    match port.map(str::parse::<u16>) {
        None => Ok((host, None)),
        Some(Ok(port @ 1..)) => Ok((host, Some(port))),
        Some(_) => Err("a port between 1 and 65535"),
    }
}

/// Checks a path that is given without the slashes around it.
fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Ok(());
    }
    if path.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return Err("a path without empty, `.` or `..` segments, which a gateway redirects");
    }
    let segments: Vec<&str> = path.split('/').collect();
    let is_group = |pair: &[&str]| pair[0] == "metrics" && matches!(pair[1], "job" | "job@base64");
    if segments.windows(2).any(is_group) {
        return Err("the gateway's base URL, without `/metrics/job/…`: the job is given apart");
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&b);
    if !path.bytes().all(allowed) || percent_decode(path).is_none() {
        return Err("a path in which other characters are percent-encoded");
    }
    Ok(())
}

/// Decodes `%` and two hexadecimal digits; `None` when a `%` is not followed by two of them.
fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    let is_valid = text.split('%').skip(1).all(is_escape);
    is_valid.then(|| percent_decode_str(text).collect())
}

fn basic_authorization(userinfo: &str) -> Result<String, &'static str> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let expected = "credentials as `user:password`, other characters percent-encoded";
    let user = percent_decode(user).ok_or(expected)?;
    // RFC 7617, 2: a user name with a colon would be read as a shorter one.
    if user.contains(&b':') {
        return Err("a user name without a colon");
    }
    Ok(basic(user, percent_decode(password).ok_or(expected)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports() {
        for (value, port) in [
            ("http://gw:9091/a:1", Some(9091)),
            ("http://gw/a:1", None),
            ("[::1]:80", Some(80)),
            ("[::1]", None),
            ("http://user:123@gw", None),
        ] {
            assert_eq!(HttpUrl::parse(value).unwrap().port(), port, "{value}");
        }
    }

    #[test]
    fn hosts_and_paths() {
        for (value, host, path) in [
            ("http://gw:9091/a:1/b/", "gw", "/a:1/b"),
            ("gw", "gw", ""),
            ("https://me:secret@gw/x", "gw", "/x"),
            ("[::1]:80", "::1", ""),
            ("http://[::1]/v1", "::1", "/v1"),
        ] {
            let url = HttpUrl::parse(value).unwrap();
            assert_eq!((url.host(), url.path()), (host, path), "{value}");
        }
    }

    fn check(value: &str, base: &str) {
        let url = HttpUrl::parse(value).unwrap();
        assert_eq!(url.join(""), base, "{value}");
        assert!(url.authorization().is_none(), "{value}");
    }

    #[test]
    fn accepted() {
        check("http://localhost:9091", "http://localhost:9091");
        check("http://localhost:9091/", "http://localhost:9091");
        check("http://localhost:9091///", "http://localhost:9091");
        check("HTTPS://gw.example.com", "https://gw.example.com");
        check("localhost:9091", "http://localhost:9091");
        check("localhost", "http://localhost");
        check("localhost:9091/prefix/", "http://localhost:9091/prefix");
        check("http://gw/prefix/", "http://gw/prefix");
        check("http://gw/a/b%20c", "http://gw/a/b%20c");
        check("http://[::1]:9091/x", "http://[::1]:9091/x");
        check("[::1]", "http://[::1]");
        check("http://push_gateway:1", "http://push_gateway:1");
        check("http://10.0.0.1:65535", "http://10.0.0.1:65535");
    }

    #[test]
    fn joins_below_the_prefix() {
        let url = HttpUrl::parse("http://gw/prefix/").unwrap();
        assert_eq!(url.join("/metrics/job/x"), "http://gw/prefix/metrics/job/x");
    }

    #[test]
    fn refused_naming_the_value_and_what_was_expected() {
        for (value, expected) in [
            ("", "empty"),
            (" http://gw", "spaces"),
            ("http://gw\n", "line breaks"),
            ("http://", "a host"),
            ("http:///metrics", "a host"),
            (":9091", "a host"),
            ("ftp://gw", "`http://` or `https://`"),
            ("://gw", "`http://` or `https://`"),
            ("http:/gw", "a port"),
            ("http://gw:", "a port"),
            ("http://gw:0", "a port"),
            ("http://gw:65536", "a port"),
            ("http://gw:http", "a port"),
            ("http://gw:-1", "a port"),
            ("http://::1:9091", "a host"),
            ("http://[::1", "IPv6"),
            ("http://[gw]:9091", "IPv6"),
            ("http://[::1]9091", "after `]`"),
            ("http://gü", "a host"),
            ("http://gw?x=1", "query"),
            ("http://gw/#top", "fragment"),
            ("http://gw/a//b", "segments"),
            ("http://gw/../b", "segments"),
            ("http://gw/a%zz", "percent-encoded"),
            ("http://gw/é", "percent-encoded"),
            ("http://gw/metrics/job/x", "without `/metrics/job/"),
            ("http://gw/prefix/metrics/job@base64/eA/y", "without `/metrics/job/"),
            ("http://u%zz@gw", "credentials"),
            ("http://a%3Ab:c@gw", "colon"),
        ] {
            let error = HttpUrl::parse(value).unwrap_err().to_string();
            assert!(error.contains(expected), "{value:?}: {error}");
            assert!(error.contains(&redact(value)), "{value:?}: {error}");
        }
    }

    #[test]
    fn credentials_become_a_header_and_are_never_shown() {
        for (value, authorization) in [
            ("http://user:secret@gw", "Basic dXNlcjpzZWNyZXQ="),
            ("http://user@gw", "Basic dXNlcjo="),
            ("https://user:s%40cret@gw/x/", "Basic dXNlcjpzQGNyZXQ="),
            ("user:sec@ret@gw:9091", "Basic dXNlcjpzZWNAcmV0"),
        ] {
            let url = HttpUrl::parse(value).unwrap();
            assert_eq!(url.authorization(), Some(authorization), "{value}");
            let shown = format!("{url:?} {} {}", url.redacted("/metrics"), url.join("/"));
            assert!(shown.contains("***@gw") && !shown.contains("cret"), "{shown}");
        }
        for (value, shown) in [
            ("http://gw/?token=secret", "http://gw/?***"),
            ("gw?token=secret#secret", "gw?***"),
            ("http://gw/#secret", "http://gw/#***"),
            ("http://me:secret@gw/x?to=secret", "http://***@gw/x?***"),
            ("me:secret@gw?to=http://x", "***@gw?***"),
            ("gw/?secret@x?secret", "***@x?***"),
            ("http://gw/?", "http://gw/?"),
        ] {
            let error = HttpUrl::parse(value).unwrap_err();
            let words = format!("{error} {error:?}");
            assert!(words.contains(&format!("`{shown}`")) && !words.contains("cret"), "{words}");
        }
        for value in ["http://user:pa/ss@gw:x", "user:pass@gw:x", "http://user:pass@gw?q"] {
            let error = HttpUrl::parse(value).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("***@gw") && !shown.contains("pa"), "{shown}");
        }
    }
}
