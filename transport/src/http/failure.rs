//! What the errors of the HTTP client, and of TLS below it, mean.

use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, InvalidMessage};
use ureq::{Error, Timeout};

use crate::error::Cause;
use crate::error::connect_failure::Obstacle;
use crate::exchange::verdict::Failure;
use crate::http::agent::{SendFailure, Sent};

/// How the standard library's error of a name that has no address begins; it has no kind of its own.
const LOOKUP_PREFIX: &str = "failed to lookup address information";

/// What an error while reading an answer's body means.
pub(crate) fn read_failure(error: io::Error, timeout: Duration) -> SendFailure {
    describe(Error::from(error), Sent::All, timeout)
}

pub(crate) fn describe(error: Error, sent: Sent, timeout: Duration) -> SendFailure {
    let fail = |failure, cause| SendFailure { failure, cause };
    let known =
        |failure, obstacle, words: &str| fail(failure, Cause::Known(obstacle, words.to_owned()));
    let unreachable = |obstacle, words: &str| known(Failure::Unreachable, obstacle, words);
    match error {
        Error::Timeout(Timeout::Resolve) => {
            unreachable(Obstacle::NameUnanswered, "looking up the gateway's name took too long")
        }
        Error::Timeout(Timeout::Connect) => {
            unreachable(Obstacle::HostSilent, "connecting took too long")
        }
        Error::Timeout(_) if sent == Sent::Nothing => {
            let words = format!("no connection was made within {:?}", whole_millis(timeout));
            unreachable(Obstacle::HostSilent, &words)
        }
        Error::Timeout(_) => fail(Failure::Timeout, Cause::Text(too_long(timeout))),
        Error::Io(error) => io_failure(error, sent),
        Error::Rustls(error) => tls_failure(&error),
        Error::Tls(_) | Error::Pem(_) | Error::TlsRequired => {
            fail(Failure::Tls, Cause::other(error))
        }
        Error::HostNotFound => {
            unreachable(Obstacle::NameUnknown, "the gateway's name has no address")
        }
        Error::ConnectProxyFailed(words) => {
            let words = format!("the proxy of the environment: {words}");
            unreachable(Obstacle::Proxy, &words)
        }
        Error::ConnectionFailed => fail(Failure::Unreachable, Cause::other(error)),
        Error::Protocol(error) => {
            fail(Failure::Garbled, Cause::Text(format!("the answer is not HTTP: {error}")))
        }
        error => fail(Failure::Garbled, Cause::other(error)),
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

fn io_failure(error: io::Error, sent: Sent) -> SendFailure {
    // This is how a handshake that cannot be agreed on comes out of the TLS library.
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return tls_failure(error);
    }
    let (failure, obstacle) = match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected => (Failure::Dropped { after_body: sent == Sent::All }, None),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => (Failure::Timeout, None),
        io::ErrorKind::InvalidData => (Failure::Tls, None),
        io::ErrorKind::ConnectionRefused => {
            (Failure::Unreachable, Some(Obstacle::ConnectionRefused))
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            (Failure::Unreachable, Some(Obstacle::HostSilent))
        }
        _ => (Failure::Unreachable, lookup_failure(&error.to_string())),
    };
    let cause = match obstacle {
        Some(obstacle) => Cause::Known(obstacle, error.to_string()),
        None => Cause::other(error),
    };
    SendFailure { failure, cause }
}

/// Whether the name is not known, or there was nobody to ask (`EAI_AGAIN`).
fn lookup_failure(words: &str) -> Option<Obstacle> {
    let why = words.strip_prefix(LOOKUP_PREFIX)?;
    Some(if why.contains("Temporary failure") || why.contains("Try again") {
        Obstacle::NameUnanswered
    } else {
        Obstacle::NameUnknown
    })
}

/// A handshake that failed. What the server's certificate or its alert says decides the hint.
fn tls_failure(error: &rustls::Error) -> SendFailure {
    let known = match error {
        rustls::Error::InvalidCertificate(error) => certificate_failure(error),
        rustls::Error::AlertReceived(alert) => alert_failure(*alert),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            Some((Obstacle::NoTls, "the answer to the first bytes of TLS is not TLS".to_owned()))
        }
        _ => None,
    };
    let cause = match known {
        Some((obstacle, words)) => Cause::Known(obstacle, words),
        None => Cause::other(error.clone()),
    };
    SendFailure { failure: Failure::Tls, cause }
}

fn certificate_failure(error: &CertificateError) -> Option<(Obstacle, String)> {
    let known =
        |obstacle, words: &str| Some((obstacle, format!("the server's certificate {words}")));
    match error {
        CertificateError::UnknownIssuer => {
            known(Obstacle::UnknownAuthority, "comes from an authority that is not trusted")
        }
        // An authority that was made anew under its old name.
        CertificateError::BadSignature => known(
            Obstacle::UnknownAuthority,
            "comes from an authority that is not trusted, though one of the same name is",
        ),
        CertificateError::ExpiredContext { time, not_after } => {
            let days = time.as_secs().saturating_sub(not_after.as_secs()) / 86_400;
            let words = match days {
                0 => "expired less than a day ago".to_owned(),
                1 => "expired 1 day ago".to_owned(),
                days => format!("expired {days} days ago"),
            };
            known(Obstacle::CertificateExpired, &words)
        }
        CertificateError::Expired => known(Obstacle::CertificateExpired, "has expired"),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            known(Obstacle::CertificateNotYetValid, "is not valid yet")
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<String> = presented.iter().map(|name| bare(name)).collect();
            let names = if names.is_empty() { "no host".to_owned() } else { names.join(", ") };
            let words = format!("is for {names}, not for `{}`", expected.to_str());
            known(Obstacle::WrongHost, &words)
        }
        CertificateError::NotValidForName => known(Obstacle::WrongHost, "is for another host"),
        // webpki's own error, which rustls has no name for.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            known(Obstacle::AuthorityAsServer, "is one of an authority (CA:TRUE), not of a server")
        }
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
fn alert_failure(alert: AlertDescription) -> Option<(Obstacle, String)> {
    let words = || format!("the server ended the handshake: {alert:?}");
    match alert {
        AlertDescription::CertificateRequired => Some((
            Obstacle::ClientCertificateMissing,
            "the server wants a client certificate".into(),
        )),
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied => Some((Obstacle::ClientCertificateRefused, words())),
        _ => None,
    }
}
