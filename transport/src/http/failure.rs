//! The meaning of the errors of the HTTP client, and of TLS below it.

use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, InvalidMessage};
use ureq::{Error, Timeout};

use crate::error::{Cause, ConnectFailure};
use crate::http::sent_body::BodyProgress;

/// A request without a complete response.
#[derive(Debug)]
pub(crate) struct HttpFailure {
    pub(crate) kind: HttpFailureKind,
    pub(crate) cause: Cause,
}

/// Why there is no complete response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HttpFailureKind {
    /// No connection was made.
    Unreachable,
    /// A connection was made, and the time was over before the response was complete.
    Timeout,
    /// The server closed the connection.
    Dropped {
        /// Whether the whole body of the request had been sent.
        after_body: bool,
    },
    /// The TLS handshake failed.
    Tls,
    /// The response is not HTTP, or not what a gateway sends.
    Garbled,
    /// The response is larger than its limit.
    TooLarge,
}

/// The beginning of the standard library's error for a host name without an address. That error has no
/// `ErrorKind` of its own.
const LOOKUP_PREFIX: &str = "failed to lookup address information";

/// Describes an error that happened while the body of a response was read.
pub(crate) fn read_failure(error: io::Error, timeout: Duration) -> HttpFailure {
    describe(Error::from(error), BodyProgress::All, timeout)
}

/// Describes an error of the HTTP client. `sent` tells how far the request came.
pub(crate) fn describe(error: Error, sent: BodyProgress, timeout: Duration) -> HttpFailure {
    let fail = |kind, cause| HttpFailure { kind, cause };
    let known = |failure, connect_failure, words: &str| {
        fail(failure, Cause::Connect(connect_failure, words.to_owned()))
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

/// The message about a request that was ended at its deadline.
pub(crate) fn too_long(timeout: Duration) -> String {
    format!("the attempt took longer than {:?}", whole_millis(timeout))
}

/// Rounds up to milliseconds: a deadline leaves a request a little less time than the user chose.
fn whole_millis(time: Duration) -> Duration {
    let up = u64::from(!time.subsec_nanos().is_multiple_of(1_000_000));
    u64::try_from(time.as_millis()).map_or(time, |ms| Duration::from_millis(ms.saturating_add(up)))
}

fn io_failure(error: io::Error, sent: BodyProgress) -> HttpFailure {
    // A failed TLS handshake arrives as an I/O error around the error of the TLS library.
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return tls_failure(error);
    }
    let (kind, connect_failure) = match error.kind() {
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
        Some(connect_failure) => Cause::Connect(connect_failure, error.to_string()),
        None => Cause::other(error),
    };
    HttpFailure { kind, cause }
}

/// Tells a host name that does not exist from a name server that does not answer (`EAI_AGAIN`).
fn lookup_failure(words: &str) -> Option<ConnectFailure> {
    let why = words.strip_prefix(LOOKUP_PREFIX)?;
    Some(if why.contains("Temporary failure") || why.contains("Try again") {
        ConnectFailure::NameUnanswered
    } else {
        ConnectFailure::NameUnknown
    })
}

/// Describes a failed handshake. The server's certificate, or the alert that it sent, tells why.
fn tls_failure(error: &rustls::Error) -> HttpFailure {
    let known = match error {
        rustls::Error::InvalidCertificate(error) => certificate_failure(error),
        rustls::Error::AlertReceived(alert) => alert_failure(*alert),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Some((
            ConnectFailure::NoTls,
            "the server answered the TLS handshake without TLS".to_owned(),
        )),
        _ => None,
    };
    let cause = match known {
        Some((connect_failure, words)) => Cause::Connect(connect_failure, words),
        None => Cause::other(error.clone()),
    };
    HttpFailure { kind: HttpFailureKind::Tls, cause }
}

fn certificate_failure(error: &CertificateError) -> Option<(ConnectFailure, String)> {
    let known = |connect_failure, words: &str| {
        Some((connect_failure, format!("the server's certificate {words}")))
    };
    match error {
        CertificateError::UnknownIssuer => {
            known(ConnectFailure::UnknownAuthority, "comes from an authority that is not trusted")
        }
        // The authority was recreated under its old name, with another key.
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
        // An error of webpki for which rustls has no variant.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => known(
            ConnectFailure::AuthorityAsServer,
            "is one of an authority (CA:TRUE), not of a server",
        ),
        _ => None,
    }
}

/// Turns `DnsName("gw")` into `gw`, in backticks.
fn bare(name: &str) -> String {
    let inner = name.split_once('(').map_or(name, |(_, rest)| rest.trim_end_matches(')'));
    format!("`{}`", inner.trim_matches('"'))
}

/// Describes the alert by which a server ended the handshake. TLS 1.2 has no alert for a missing client
/// certificate: servers written in Go then send the one for a bad certificate.
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
