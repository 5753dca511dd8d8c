//! Finds the hint for a failed operation.
//!
//! Only status codes and the fixed beginnings of a gateway's error texts are matched: the rest of such
//! a text differs from build to build of the gateway.

use std::time::Duration;

use crate::error::connect_failure::ConnectFailure;
use crate::error::hint::Hint;
use crate::error::kind::PushErrorKind;
use crate::error::redacted_url::RedactedUrl;
use crate::error::verb::Verb;

/// The facts about a failed operation that a hint depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailedOperation<'a> {
    pub(crate) verb: Verb,
    pub(crate) kind: PushErrorKind,
    pub(crate) url: &'a RedactedUrl,
    /// The error text of the gateway; empty if there is none.
    pub(crate) answer_text: &'a str,
    /// The target of a redirect.
    pub(crate) location: Option<&'a str>,
    pub(crate) connect_failure: Option<ConnectFailure>,
    /// How long the gateway asked the client to stay away.
    pub(crate) retry_after: Option<Duration>,
    /// Whether the body was sent compressed; `None` where there was no body.
    pub(crate) gzip: Option<bool>,
}

/// The part of a request that an error text of the gateway is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequestPart {
    /// The body of a push or an add.
    Body,
    /// The group in the URL of a push, an add or a delete.
    Group,
    /// Any request.
    Whole,
}

impl RequestPart {
    /// Whether an operation of this verb has that part.
    fn is_part_of(self, verb: Verb) -> bool {
        match self {
            Self::Body => is_push(verb),
            Self::Group => is_push(verb) || verb == Verb::Delete,
            Self::Whole => true,
        }
    }
}

fn is_push(verb: Verb) -> bool {
    matches!(verb, Verb::Push | Verb::Add)
}

/// The beginning of an error text, the part of the request that it is about, and the hint. The first
/// match counts.
const KNOWN_ANSWERS: &[(&str, RequestPart, Hint)] = &[
    ("text format parsing error", RequestPart::Body, Hint::NotTextFormat),
    (
        "odd number of components in label string",
        RequestPart::Group,
        Hint::GroupingKeyNotUnderstood,
    ),
    ("improper label name", RequestPart::Group, Hint::GroupingKeyNotUnderstood),
    ("invalid base64 encoding", RequestPart::Group, Hint::GroupingKeyNotUnderstood),
    ("job name is required", RequestPart::Group, Hint::GroupingKeyNotUnderstood),
    ("400 Bad Request", RequestPart::Group, Hint::GroupingKeyNotUnderstood),
    ("Client sent an HTTP request to an HTTPS server", RequestPart::Whole, Hint::UseHttps),
    ("unexpected EOF", RequestPart::Body, Hint::BodyDamaged),
    ("EOF", RequestPart::Body, Hint::BodyDamaged),
    ("snappy: corrupt input", RequestPart::Body, Hint::BodyDamaged),
    ("unsupported path requested", RequestPart::Whole, Hint::VictoriaMetricsTooOld),
    ("Lifecycle API is not enabled", RequestPart::Whole, Hint::UseBaseUrl),
];

/// The beginning of every error text about the meaning of a body.
const INCONSISTENT: &str = "pushed metrics are invalid or inconsistent with existing metrics";

/// A text that may stand anywhere after [`INCONSISTENT`], and the hint. The first match counts.
const INCONSISTENCIES: &[(&str, Hint)] = &[
    ("must not have timestamps", Hint::DropTimestamps),
    ("but should have", Hint::NameOfGatewayMetric),
    ("was collected before with the same name and label values", Hint::SeriesTwice),
    ("has a label with an invalid name", Hint::ReservedLabelName),
    ("must not have an explicit", Hint::LabelOfFormat),
    ("collides with previously collected", Hint::TypeClash),
    ("is not a ", Hint::TypeClash),
    ("not utf8", Hint::NotUtf8),
];

/// Finds the hint for a failed operation; `None` where no advice is known.
pub(crate) fn hint(failed: &FailedOperation<'_>) -> Option<Hint> {
    let port = failed.url.port();
    Some(match failed.kind {
        PushErrorKind::Refused(status) => return refused(failed, status),
        PushErrorKind::Redirected(_) => {
            Hint::FollowRedirect { location: failed.location.map(str::to_owned) }
        }
        PushErrorKind::Unavailable(status) => unavailable(failed, status),
        PushErrorKind::Timeout => Hint::AllowMoreTime { port },
        PushErrorKind::Unreachable => unreachable(failed),
        // Only a push can be one that a gateway drops instead of refusing it.
        PushErrorKind::Dropped if is_push(failed.verb) => Hint::PushDropped,
        PushErrorKind::Dropped => Hint::IsItAGateway,
        PushErrorKind::Tls => tls(failed),
        PushErrorKind::NotAGateway => Hint::NotAGateway { port },
        PushErrorKind::TooLarge => Hint::PushLessOrRaiseLimit,
        PushErrorKind::Forked => Hint::StartAfterFork,
        PushErrorKind::Encode | PushErrorKind::Stopped => return None,
    })
}

fn refused(failed: &FailedOperation<'_>, status: u16) -> Option<Hint> {
    let FailedOperation { answer_text, verb, .. } = *failed;
    let mut known = KNOWN_ANSWERS.iter().filter(|(_, part, _)| part.is_part_of(verb));
    if let Some((_, _, hint)) = known.find(|(prefix, ..)| answer_text.starts_with(prefix)) {
        return Some(hint.clone());
    }
    if let Some(rest) = answer_text.strip_prefix(INCONSISTENT).filter(|_| is_push(verb)) {
        let known = INCONSISTENCIES.iter().find(|(part, _)| rest.contains(part));
        return known.map(|(_, hint)| hint.clone());
    }
    // The wording of nginx, in an HTML page.
    if answer_text.contains("plain HTTP request was sent to HTTPS port") {
        return Some(Hint::UseHttps);
    }
    Some(match status {
        401 => Hint::GiveCredentials,
        403 => Hint::NotPermitted,
        400 if is_push(verb) => return None,
        400 | 404 | 405 => Hint::CheckUrl { port: failed.url.port() },
        407 => Hint::GiveProxyCredentials,
        413 => Hint::PushSmallerBodies { can_compress: failed.gzip == Some(false) },
        _ => return None,
    })
}

fn unavailable(failed: &FailedOperation<'_>, status: u16) -> Hint {
    if let Some(time) = failed.retry_after {
        return Hint::TryAgainAfter { time };
    }
    if failed.answer_text.starts_with("An error has occurred while serving metrics") {
        return Hint::GatewayInconsistent;
    }
    match status {
        429 => Hint::PushLessOften,
        502 | 504 => Hint::ProxyWithoutGateway,
        _ => Hint::GatewayBusy,
    }
}

fn unreachable(failed: &FailedOperation<'_>) -> Hint {
    match failed.connect_failure {
        Some(ConnectFailure::NameUnknown) => Hint::NameUnknown,
        Some(ConnectFailure::NameUnanswered) => Hint::NameServerSilent,
        Some(ConnectFailure::ConnectionRefused) => Hint::NothingListens { port: failed.url.port() },
        Some(ConnectFailure::HostSilent) => Hint::HostSilent,
        Some(ConnectFailure::Proxy) => Hint::ProxyRefused,
        _ => Hint::CheckHostAndPort,
    }
}

fn tls(failed: &FailedOperation<'_>) -> Hint {
    match failed.connect_failure {
        Some(ConnectFailure::NoTls) => {
            Hint::UseHttp { url: failed.url.base().replacen("https://", "http://", 1) }
        }
        Some(ConnectFailure::UnknownAuthority) => Hint::TrustAuthority,
        Some(ConnectFailure::AuthorityAsServer) => Hint::AuthorityAsServer,
        Some(ConnectFailure::CertificateExpired) => Hint::CertificateExpired,
        Some(ConnectFailure::CertificateNotYetValid) => Hint::CertificateNotYetValid,
        Some(ConnectFailure::WrongHost) => Hint::WrongHost,
        Some(ConnectFailure::ClientCertificateMissing) => Hint::GiveClientCertificate,
        Some(ConnectFailure::ClientCertificateRefused) => Hint::ClientCertificateRefused,
        _ => Hint::CheckTls,
    }
}

#[cfg(test)]
mod tests;
