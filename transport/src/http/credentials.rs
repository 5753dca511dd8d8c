//! Credentials and headers that are sent with every request and shown in no message.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::ConfigError;
use crate::http::secret::{Secret, read_text, warn_if_open_to_all};

const AUTHORIZATION: &str = "authorization";

/// Headers that every request has already, or that would change the meaning of a request.
const RESERVED: [&str; 10] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The credentials and further headers of every request to a gateway.
///
/// Credentials are sent to the gateway's host only: redirects are never followed, and a forward proxy sees only
/// the tunnel. A user and a password can also stand in the gateway's URL; using both ways at once is an
/// error.
///
/// No message, no `Debug` output and no log line of this library shows credentials. A program that logs
/// at the level `Trace` should leave out the target `ureq_proto`: there the HTTP client logs the bytes
/// before TLS encrypts them.
///
/// ```
/// use prompush::{Credentials, GatewayConfig, Secret};
///
/// let credentials = Credentials::basic("batch", Secret::text("from-the-environment"))?
///     .header("X-Scope-OrgID", Secret::text("team-a"))?;
/// let config = GatewayConfig::default().credentials(credentials);
/// assert!(!format!("{config:?}").contains("from-the-environment"));
/// # Ok::<(), prompush::ConfigError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    authorization: Option<Authorization>,
    /// The names are in lower case.
    headers: Vec<(String, Secret)>,
}

#[derive(Clone, PartialEq, Eq)]
enum Authorization {
    Basic { user: String, password: Secret },
    Bearer(Secret),
}

impl Credentials {
    /// Authenticates by a user and a password (basic authentication, RFC 7617).
    ///
    /// # Errors
    ///
    /// [`ConfigError::Credentials`] for a user name with a colon or a control character.
    pub fn basic(user: &str, password: Secret) -> Result<Self, ConfigError> {
        if user.contains(':') || user.chars().any(char::is_control) {
            let expected = "a user name without a colon or control characters";
            return Err(ConfigError::Credentials { expected });
        }
        let user = user.to_owned();
        Ok(Self::of(Authorization::Basic { user, password }))
    }

    /// Authenticates by a token (bearer token, RFC 6750).
    ///
    /// # Errors
    ///
    /// [`ConfigError::Credentials`] for a token with other characters than printable ASCII.
    pub fn bearer(token: Secret) -> Result<Self, ConfigError> {
        check_value(&token.reveal(), "a token of printable ASCII characters")?;
        Ok(Self::of(Authorization::Bearer(token)))
    }

    /// Adds a header, such as `X-Scope-OrgID` for a tenant, or an `Authorization` of another kind.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Credentials`] for an invalid name, for a header that every request has already
    /// (`Content-Type`, `Host`), for a second header of the same name, and for a value with other
    /// characters than printable ASCII.
    pub fn header(mut self, name: &str, value: Secret) -> Result<Self, ConfigError> {
        let name = name.to_ascii_lowercase();
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let fail = |expected| Err(ConfigError::Credentials { expected });
        if name.is_empty() || !name.bytes().all(token) {
            return fail("a valid header name, such as `X-Scope-OrgID`");
        }
        if RESERVED.contains(&name.as_str()) {
            return fail("a header that requests do not set by themselves");
        }
        let has_authorization = name == AUTHORIZATION && self.authorization.is_some();
        if has_authorization || self.headers.iter().any(|(other, _)| *other == name) {
            return fail("each header only once");
        }
        check_value(&value.reveal(), "a header value of printable ASCII characters")?;
        self.headers.push((name, value));
        Ok(self)
    }

    /// Adds the headers in a file. Each line is `Name: value`, with a space after the colon. Empty lines
    /// and lines that begin with `#` are ignored. The file is read once.
    ///
    /// # Errors
    ///
    /// [`ConfigError::File`] when the file cannot be read or is empty, and [`ConfigError::HeaderLine`]
    /// when a line is not a header. The error does not show the line.
    pub fn header_file(self, path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let credentials = self.header_lines(&read_text(path)?).map_err(|error| match error {
            ConfigError::HeaderLine { line, expected, .. } => {
                ConfigError::HeaderLine { path: Some(path.to_owned()), line, expected }
            }
            error => error,
        })?;
        warn_if_open_to_all(path);
        Ok(credentials)
    }

    /// Adds the headers in a text, whose lines are as in [`header_file`](Self::header_file).
    ///
    /// # Errors
    ///
    /// [`ConfigError::HeaderLine`] when a line is not a header. The error does not show the line.
    pub fn header_lines(self, text: &str) -> Result<Self, ConfigError> {
        let lines = (1..).zip(text.lines().map(str::trim));
        lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).try_fold(
            self,
            |credentials, (line, text)| {
                let fail = |expected| ConfigError::HeaderLine { path: None, line, expected };
                let (name, value) = header(text).ok_or(fail("`Name: value`"))?;
                credentials.header(name, Secret::text(value)).map_err(|error| match error {
                    ConfigError::Credentials { expected } => fail(expected),
                    error => error,
                })
            },
        )
    }

    /// Whether these credentials give requests an `Authorization` header.
    pub fn has_authorization(&self) -> bool {
        self.authorization.is_some() || self.headers.iter().any(|(name, _)| name == AUTHORIZATION)
    }

    /// The headers, with secrets in files as they are now.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        let authorization = self.authorization.as_ref().map(|authorization| match authorization {
            Authorization::Basic { user, password } => basic(user, password.reveal().as_bytes()),
            Authorization::Bearer(token) => format!("Bearer {}", token.reveal()),
        });
        let others = self.headers.iter().map(|(name, value)| {
            let value = value.reveal();
            (name.clone(), value.to_string())
        });
        authorization
            .map(|value| (AUTHORIZATION.to_owned(), value))
            .into_iter()
            .chain(others)
            .collect()
    }

    fn of(authorization: Authorization) -> Self {
        Self { authorization: Some(authorization), headers: Vec::new() }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.authorization.as_ref().map(|authorization| match authorization {
            Authorization::Basic { .. } => "basic",
            Authorization::Bearer(_) => "bearer",
        });
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Credentials")
            .field("authorization", &kind)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

/// Splits a line `Name: value`. The space is required, because otherwise the lines of `/etc/passwd` and of
/// many other files would count as headers.
fn header(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    value.starts_with([' ', '\t']).then(|| (name, value.trim_start()))
}

/// The value of an `Authorization` header for a user and a password.
pub(crate) fn basic(user: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> String {
    let credentials = [user.as_ref(), b":", password.as_ref()].concat();
    format!("Basic {}", STANDARD.encode(credentials))
}

fn check_value(value: &str, expected: &'static str) -> Result<(), ConfigError> {
    let good = !value.is_empty() && value.bytes().all(|b| (0x20..0x7f).contains(&b));
    if good { Ok(()) } else { Err(ConfigError::Credentials { expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(credentials: &Credentials) -> Vec<(String, String)> {
        credentials.headers()
    }

    #[test]
    fn headers_are_what_the_specifications_say() {
        // The example of RFC 7617, 2.
        let secret = Secret::text("open sesame");
        let credentials = Credentials::basic("Aladdin", secret).unwrap();
        let expected =
            ("authorization".to_owned(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".to_owned());
        assert_eq!(pairs(&credentials), [expected]);
        let credentials = Credentials::bearer(Secret::text("mF_9.B5f-4.1JqM")).unwrap();
        let expected = ("authorization".to_owned(), "Bearer mF_9.B5f-4.1JqM".to_owned());
        assert_eq!(pairs(&credentials), [expected]);
        let text = "# ours\nX-Scope-OrgID: team: a\r\n\nAuthorization: Custom s3cret\n";
        let credentials = Credentials::default().header_lines(text).unwrap();
        assert!(credentials.has_authorization());
        assert_eq!(
            pairs(&credentials),
            [
                ("x-scope-orgid".to_owned(), "team: a".to_owned()),
                ("authorization".to_owned(), "Custom s3cret".to_owned())
            ]
        );
    }

    #[test]
    fn invalid_header_values_are_refused_and_not_shown() {
        let refused = |result: Result<Credentials, ConfigError>, expected: &str| {
            let error = result.unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(expected) && !shown.contains("s3cret"), "{shown}");
        };
        refused(Credentials::basic("a:b", Secret::text("s3cret")), "without a colon");
        refused(Credentials::bearer(Secret::text("s3crét")), "printable ASCII");
        refused(Credentials::bearer(Secret::text("")), "printable ASCII");
        let lines = |text| Credentials::default().header_lines(text);
        refused(lines("s3cret"), "line 1 of the headers as a header: expected `Name: value`");
        refused(lines("# x\na: 1\n\nb:s3cret"), "line 4 of the headers");
        refused(lines("root:s3cret:0:0:root:/root:/bin/sh"), "expected `Name: value`");
        refused(lines("a b: s3cret"), "valid header name");
        refused(lines(": s3cret"), "valid header name");
        refused(lines("Host: s3cret"), "by themselves");
        refused(lines("Content-Length: s3cret"), "by themselves");
        refused(lines("a: s3cret\nA: s3cret"), "once");
        refused(lines("a:"), "`Name: value`");
        refused(lines("a: s3cret\u{1b}[31m"), "printable ASCII");
        let basic = Credentials::basic("u", Secret::text("s3cret")).unwrap();
        refused(basic.header_lines("Authorization: s3cret"), "once");
    }

    #[test]
    fn debug_output_shows_no_credentials() {
        let credentials = Credentials::basic("user", Secret::text("s3cret"))
            .and_then(|it| it.header("X-Key", Secret::text("s3cret")))
            .unwrap();
        let shown = format!("{credentials:?}");
        assert!(shown.contains("x-key") && !shown.contains("s3cret"), "{shown}");
    }
}
