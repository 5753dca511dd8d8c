//! What the errors of the HTTP client, and of TLS below it, mean.

use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, InvalidMessage};
use ureq::{Error, Timeout};

use crate::error::cause::Cause;
use crate::error::connect_failure::ConnectFailure;

/// No answer, or not the whole of it.
#[derive(Debug)]
pub(crate) struct HttpFailure {
    pub(crate) failure: HttpFailureKind,
    pub(crate) cause: Cause,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HttpFailureKind {
    /// No connection was made.
    Unreachable,
    /// A connection was made, and time ran out.
    Timeout,
    /// The connection was closed; `after_body`: when the whole body had been sent.
    Dropped { after_body: bool },
    /// The TLS handshake failed.
    Tls,
    /// What came back is not HTTP, or not what was asked for.
    Garbled,
    /// The answer is larger than its limit.
    TooLarge,
}

/// How much of a request's body had been sent when something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyProgress {
    /// There is no body to tell by.
    Unknown,
    /// The client never came to the body: as a rule there was no connection yet.
    Nothing,
    Some,
    All,
}

/// How the standard library's error of a name that has no address begins; it has no kind of its own.
const LOOKUP_PREFIX: &str = "failed to lookup address information";

/// What an error while reading an answer's body means.
pub(crate) fn read_failure(error: io::Error, timeout: Duration) -> HttpFailure {
    describe(Error::from(error), BodyProgress::All, timeout)
}

pub(crate) fn describe(error: Error, sent: BodyProgress, timeout: Duration) -> HttpFailure {
    let fail = |failure, cause| HttpFailure { failure, cause };
    let known = |failure, connect_failure, words: &str| {
        fail(failure, Cause::Known(connect_failure, words.to_owned()))
    };
    let unreachable =
        |connect_failure, words: &str| known(HttpFailureKind::Unreachable, connect_failure, words);
    match error {
        Error::Timeout(Timeout::Resolve) => unreachable(
            ConnectFailure::NameUnanswered,
            "looking up the gateway's name took too long",
        ),
        Error::Timeout(Timeout::Connect) => {
            unreachable(ConnectFailure::HostSilent, "connecting took too long")
        }
        Error::Timeout(_) if sent == BodyProgress::Nothing => {
            let words = format!("no connection was made within {:?}", whole_millis(timeout));
            unreachable(ConnectFailure::HostSilent, &words)
        }
        Error::Timeout(_) => fail(HttpFailureKind::Timeout, Cause::Text(too_long(timeout))),
        Error::Io(error) => io_failure(error, sent),
        Error::Rustls(error) => tls_failure(&error),
        Error::Tls(_) | Error::Pem(_) | Error::TlsRequired => {
            fail(HttpFailureKind::Tls, Cause::other(error))
        }
        Error::HostNotFound => {
            unreachable(ConnectFailure::NameUnknown, "the gateway's name has no address")
        }
        Error::ConnectProxyFailed(words) => {
            let words = format!("the proxy of the environment: {words}");
            unreachable(ConnectFailure::Proxy, &words)
        }
        Error::ConnectionFailed => fail(HttpFailureKind::Unreachable, Cause::other(error)),
        Error::Protocol(error) => {
            fail(HttpFailureKind::Garbled, Cause::Text(format!("the answer is not HTTP: {error}")))
        }
        error => fail(HttpFailureKind::Garbled, Cause::other(error)),
    }
}

/// What is said of an attempt that was cut off.
pub(crate) fn too_long(timeout: Duration) -> String {
    format!("the attempt took longer than {:?}", whole_millis(timeout))
}

/// Rounded up: a deadline leaves an attempt a little less than what was asked for.
fn whole_millis(time: Duration) -> Duration {
    let up = u64::from(!time.subsec_nanos().is_multiple_of(1_000_000));
    u64::try_from(time.as_millis()).map_or(time, |ms| Duration::from_millis(ms.saturating_add(up)))
}

fn io_failure(error: io::Error, sent: BodyProgress) -> HttpFailure {
    // This is how a handshake that cannot be agreed on comes out of the TLS library.
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return tls_failure(error);
    }
    let (failure, connect_failure) = match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected => {
            (HttpFailureKind::Dropped { after_body: sent == BodyProgress::All }, None)
        }
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => (HttpFailureKind::Timeout, None),
        io::ErrorKind::InvalidData => (HttpFailureKind::Tls, None),
        io::ErrorKind::ConnectionRefused => {
            (HttpFailureKind::Unreachable, Some(ConnectFailure::ConnectionRefused))
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            (HttpFailureKind::Unreachable, Some(ConnectFailure::HostSilent))
        }
        _ => (HttpFailureKind::Unreachable, lookup_failure(&error.to_string())),
    };
    let cause = match connect_failure {
        Some(connect_failure) => Cause::Known(connect_failure, error.to_string()),
        None => Cause::other(error),
    };
    HttpFailure { failure, cause }
}

/// Whether the name is not known, or there was nobody to ask (`EAI_AGAIN`).
fn lookup_failure(words: &str) -> Option<ConnectFailure> {
    let why = words.strip_prefix(LOOKUP_PREFIX)?;
    Some(if why.contains("Temporary failure") || why.contains("Try again") {
        ConnectFailure::NameUnanswered
    } else {
        ConnectFailure::NameUnknown
    })
}

/// A handshake that failed. What the server's certificate or its alert says decides the hint.
fn tls_failure(error: &rustls::Error) -> HttpFailure {
    let known = match error {
        rustls::Error::InvalidCertificate(error) => certificate_failure(error),
        rustls::Error::AlertReceived(alert) => alert_failure(*alert),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Some((
            ConnectFailure::NoTls,
            "the answer to the first bytes of TLS is not TLS".to_owned(),
        )),
        _ => None,
    };
    let cause = match known {
        Some((connect_failure, words)) => Cause::Known(connect_failure, words),
        None => Cause::other(error.clone()),
    };
    HttpFailure { failure: HttpFailureKind::Tls, cause }
}

fn certificate_failure(error: &CertificateError) -> Option<(ConnectFailure, String)> {
    let known = |connect_failure, words: &str| {
        Some((connect_failure, format!("the server's certificate {words}")))
    };
    match error {
        CertificateError::UnknownIssuer => {
            known(ConnectFailure::UnknownAuthority, "comes from an authority that is not trusted")
        }
        // An authority that was made anew under its old name.
        CertificateError::BadSignature => known(
            ConnectFailure::UnknownAuthority,
            "comes from an authority that is not trusted, though one of the same name is",
        ),
        CertificateError::ExpiredContext { time, not_after } => {
            let days = time.as_secs().saturating_sub(not_after.as_secs()) / 86_400;
            let words = match days {
                0 => "expired less than a day ago".to_owned(),
                1 => "expired 1 day ago".to_owned(),
                days => format!("expired {days} days ago"),
            };
            known(ConnectFailure::CertificateExpired, &words)
        }
        CertificateError::Expired => known(ConnectFailure::CertificateExpired, "has expired"),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            known(ConnectFailure::CertificateNotYetValid, "is not valid yet")
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<String> = presented.iter().map(|name| bare(name)).collect();
            let names = if names.is_empty() { "no host".to_owned() } else { names.join(", ") };
            let words = format!("is for {names}, not for `{}`", expected.to_str());
            known(ConnectFailure::WrongHost, &words)
        }
        CertificateError::NotValidForName => {
            known(ConnectFailure::WrongHost, "is for another host")
        }
        // webpki's own error, which rustls has no name for.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => known(
            ConnectFailure::AuthorityAsServer,
            "is one of an authority (CA:TRUE), not of a server",
        ),
        _ => None,
    }
}

/// `DnsName("gw")` as `gw`, in backticks.
fn bare(name: &str) -> String {
    let inner = name.split_once('(').map_or(name, |(_, rest)| rest.trim_end_matches(')'));
    format!("`{}`", inner.trim_matches('"'))
}

/// What a server says instead of finishing the handshake. TLS 1.2 has no word of its own for a
/// certificate that is missing: servers written in Go say that a bad one was shown.
fn alert_failure(alert: AlertDescription) -> Option<(ConnectFailure, String)> {
    let words = || format!("the server ended the handshake: {alert:?}");
    match alert {
        AlertDescription::CertificateRequired => Some((
            ConnectFailure::ClientCertificateMissing,
            "the server wants a client certificate".into(),
        )),
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied => {
            Some((ConnectFailure::ClientCertificateRefused, words()))
        }
        _ => None,
    }
}
