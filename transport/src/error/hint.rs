//! What to do about a failure: the fixed beginnings of a gateway's complaints, recognised.
//!
//! Only status codes and these beginnings are matched: the rest of an error text differs from
//! build to build of the gateway.

use std::time::Duration;

use crate::error::connect_failure::ConnectFailure;
use crate::error::kind::PushErrorKind;
use crate::error::verb::Verb;

/// What a hint depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) verb: Verb,
    pub(crate) kind: PushErrorKind,
    /// Where it was asked, without credentials.
    pub(crate) url: &'a str,
    /// What the gateway said.
    pub(crate) answer_text: &'a str,
    /// Where a redirect points to.
    pub(crate) location: Option<&'a str>,
    pub(crate) connect_failure: Option<ConnectFailure>,
    /// How long the gateway asked to be left alone.
    pub(crate) retry_after: Option<Duration>,
    /// Whether the body was sent compressed; `None` where there was no body.
    pub(crate) gzip: Option<bool>,
}

/// What a complaint is about, and so which requests it can be an answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequestPart {
    /// The body: a push or an add.
    Body,
    /// The group in the URL: these, and a delete.
    Group,
    /// Any request.
    Request,
}

impl RequestPart {
    fn can_answer(self, verb: Verb) -> bool {
        match self {
            Self::Body => is_push(verb),
            Self::Group => is_push(verb) || verb == Verb::Delete,
            Self::Request => true,
        }
    }
}

fn is_push(verb: Verb) -> bool {
    matches!(verb, Verb::Push | Verb::Add)
}

/// Beginnings of a complaint, what they are about, and what to do. The first that matches is taken.
const KNOWN_ANSWERS: &[(&str, RequestPart, &str)] = &[
    (
        "text format parsing error",
        RequestPart::Body,
        "the body is not in the Prometheus text format 0.0.4; `prompush check` shows every place",
    ),
    ("odd number of components in label string", RequestPart::Group, GROUPING_KEY),
    ("improper label name", RequestPart::Group, GROUPING_KEY),
    ("invalid base64 encoding", RequestPart::Group, GROUPING_KEY),
    ("job name is required", RequestPart::Group, GROUPING_KEY),
    ("400 Bad Request", RequestPart::Group, GROUPING_KEY),
    ("Client sent an HTTP request to an HTTPS server", RequestPart::Request, WANTS_TLS),
    ("unexpected EOF", RequestPart::Body, CUT_ON_THE_WAY),
    ("EOF", RequestPart::Body, CUT_ON_THE_WAY),
    ("snappy: corrupt input", RequestPart::Body, CUT_ON_THE_WAY),
    (
        "unsupported path requested",
        RequestPart::Request,
        "this is VictoriaMetrics, and too old to take pushes: from 1.84 on it does, below \
         `/api/v1/import/prometheus`",
    ),
    (
        "Lifecycle API is not enabled",
        RequestPart::Request,
        "this is not the path of a group: give the gateway's base URL alone",
    ),
];

/// How every complaint about the meaning of a body begins.
const INCONSISTENT: &str = "pushed metrics are invalid or inconsistent with existing metrics";

/// What an inconsistency can be about, found anywhere after [`INCONSISTENT`].
const INCONSISTENCIES: &[(&str, &str)] = &[
    ("must not have timestamps", "drop the timestamps: a Pushgateway refuses them"),
    (
        "but should have",
        "the gateway has a metric of its own with this name and another type: rename yours",
    ),
    (
        "was collected before with the same name and label values",
        "two series become the same once the labels of the grouping key are laid over them, or \
         another group holds this very series: give them a label that differs",
    ),
    (
        "has a label with an invalid name",
        "rename the label: names that begin with `__` are reserved",
    ),
    ("must not have an explicit", "drop the label: `le` and `quantile` belong to the format"),
    ("collides with previously collected", NAME_CLASH),
    ("is not a ", NAME_CLASH),
    ("not utf8", "label values and grouping keys must be UTF-8"),
];

const GROUPING_KEY: &str = "the grouping key in the URL was not understood: is the gateway's URL its \
                            base URL, without `/metrics/job/…`?";
const NAME_CLASH: &str = "another group holds a metric of this name with another type: rename one \
                          of them, or delete the other group (`prompush list` shows the groups)";
const WANTS_TLS: &str = "the gateway wants TLS: begin its URL with `https://`";
const CUT_ON_THE_WAY: &str = "the gateway could not decompress or decode the body: does a proxy in \
                              between change it?";
const CREDENTIALS: &str = "give credentials that the gateway, or a proxy before it, takes: \
                           `Credentials`, or a user in the URL";

/// The port that a Pushgateway listens on unless told otherwise.
const GATEWAY_PORT: u16 = 9091;

/// Ports that are mistaken for it, and what listens there.
const OTHER_PORTS: &[(u16, &str)] = &[
    (9090, "Prometheus itself"),
    (9093, "Alertmanager"),
    (9100, "the node exporter"),
    (4317, "OTLP, by gRPC"),
    (4318, "OTLP, by HTTP"),
    (3000, "Grafana"),
];

/// What to do, where that is known.
pub(crate) fn hint(context: &Context<'_>) -> Option<String> {
    let Context { verb, kind, location, .. } = *context;
    Some(match kind {
        PushErrorKind::Refused(status) => return refused(context, status),
        PushErrorKind::Redirected(_) => match location {
            Some(location) => format!(
                "give the gateway's own URL, or credentials if that is where to log in; the \
                 redirect to `{location}` shows what differs"
            ),
            None => "give the gateway's own URL".to_owned(),
        },
        PushErrorKind::Unavailable(status) => unavailable(context, status),
        PushErrorKind::Timeout => format!(
            "is it a Pushgateway that listens there? One with thousands of groups takes seconds for a push: delete groups that are \
             done with, or allow more with `attempt_timeout` and `total_timeout`{}",
            other_port(context, "; ")
        ),
        PushErrorKind::Unreachable => unreachable(context),
        // Only a push can be one that a gateway drops instead of refusing it.
        PushErrorKind::Dropped if is_push(verb) => {
            "is it a Pushgateway that listens there? Pushgateway 1.11.0, as in Debian 13, closes \
             the connection where others answer 400 and a reason: does another group hold one of \
             these metrics with another type, or do they have timestamps? `prompush check` finds \
             what can be found without the gateway"
                .to_owned()
        }
        PushErrorKind::Dropped => "is it a Pushgateway that listens there?".to_owned(),
        PushErrorKind::Tls => tls(context),
        PushErrorKind::NotAGateway => format!(
            "something else listens there, or answers in the gateway's place (a login page, a \
             proxy): check host, port and path of the gateway's URL{}",
            other_port(context, "; ")
        ),
        PushErrorKind::TooLarge => "push less at once, or raise the limit".to_owned(),
        PushErrorKind::Forked => "start the pusher after the `fork`".to_owned(),
        PushErrorKind::Encode | PushErrorKind::Stopped => return None,
    })
}

fn refused(context: &Context<'_>, status: u16) -> Option<String> {
    let answer_text = context.answer_text;
    let verb = context.verb;
    let mut known = KNOWN_ANSWERS.iter().filter(|(_, about, _)| about.can_answer(verb));
    if let Some((_, _, hint)) = known.find(|(prefix, ..)| answer_text.starts_with(prefix)) {
        return Some((*hint).to_owned());
    }
    if let Some(rest) = answer_text.strip_prefix(INCONSISTENT).filter(|_| is_push(verb)) {
        let known = INCONSISTENCIES.iter().find(|(part, _)| rest.contains(part));
        return known.map(|(_, hint)| (*hint).to_owned());
    }
    // As nginx says it, in a page.
    if answer_text.contains("plain HTTP request was sent to HTTPS port") {
        return Some(WANTS_TLS.to_owned());
    }
    Some(match status {
        401 => CREDENTIALS.to_owned(),
        403 => "these credentials, or this address of ours, may not do that: ask whoever runs the \
                gateway, or the proxy before it"
            .to_owned(),
        400 if is_push(verb) => return None,
        400 | 404 | 405 => format!(
            "is this a Pushgateway, and is the URL its base URL, with its route prefix if it has \
             one and without `/metrics`?{}",
            match other_port(context, " ") {
                none if none.is_empty() && port(context.url) != Some(GATEWAY_PORT) => {
                    format!(
                        " A Pushgateway's port is {GATEWAY_PORT} as a rule; 9090 is Prometheus's"
                    )
                }
                other => other,
            }
        ),
        407 => "a proxy wants credentials: put them into the URL in its variable, such as \
                `HTTPS_PROXY=http://user:password@proxy:3128`"
            .to_owned(),
        413 => {
            let compressed =
                if context.gzip == Some(false) { ", or compressed with `gzip`" } else { "" };
            format!(
                "the gateway, or a proxy before it, takes no body of this size: push less at \
                 once{compressed}"
            )
        }
        _ => return None,
    })
}

fn unavailable(context: &Context<'_>, status: u16) -> String {
    if let Some(retry_after) = context.retry_after {
        return format!("try again in {retry_after:?}, or allow more time with `total_timeout`");
    }
    if context.answer_text.starts_with("An error has occurred while serving metrics") {
        return "the gateway holds metrics that contradict each other, and serves none until a \
                group with them is deleted: the words above name them"
            .to_owned();
    }
    match status {
        429 => "the gateway, or a proxy before it, asks for fewer pushes",
        502 | 504 => "a proxy answers, and has no gateway behind it: is the gateway running?",
        _ => "the gateway, or a proxy before it, is starting, stopping or overloaded: try again later",
    }
    .to_owned()
}

fn unreachable(context: &Context<'_>) -> String {
    match context.connect_failure {
        Some(ConnectFailure::NameUnknown) => {
            "no host of that name is known: is it spelled right?".to_owned()
        }
        Some(ConnectFailure::NameUnanswered) => {
            "the name server does not answer: does this machine have a network, and is the one in \
             `/etc/resolv.conf` right?"
                .to_owned()
        }
        Some(ConnectFailure::ConnectionRefused) => {
            let port = match port(context.url) {
                Some(GATEWAY_PORT) => String::new(),
                Some(_) if other_port(context, "").is_empty() => {
                    format!(" A Pushgateway's is {GATEWAY_PORT} unless told otherwise")
                }
                Some(_) => other_port(context, " "),
                None => format!(
                    " The URL names none, and a Pushgateway's is {GATEWAY_PORT} unless told otherwise"
                ),
            };
            format!(
                "nothing listens on that port: is the gateway running, and is the port right?{port}"
            )
        }
        Some(ConnectFailure::HostSilent) => {
            "the host does not answer: is it the right one, is it up, and \
                                       does a firewall in between let this port pass?"
                .to_owned()
        }
        Some(ConnectFailure::Proxy) => {
            "`NO_PROXY` names the hosts that are reached without the proxy; a \
                                  proxy has to allow `CONNECT` to the gateway's port"
                .to_owned()
        }
        _ => "is the gateway running, and are host and port right?".to_owned(),
    }
}

fn tls(context: &Context<'_>) -> String {
    match context.connect_failure {
        Some(ConnectFailure::NoTls) => {
            let plain = context.url.replacen("https://", "http://", 1);
            let base = plain.split("/metrics/").next().unwrap_or_default();
            return format!("what listens there speaks no TLS: is its URL `{base}`?");
        }
        Some(ConnectFailure::UnknownAuthority) => {
            "give the authority that signed it with `Tls::ca_file`; those that this machine trusts \
             are `/etc/ssl/certs/ca-certificates.crt` on many systems"
        }
        Some(ConnectFailure::AuthorityAsServer) => {
            "`openssl req -x509` makes such certificates: make one with `-addext \
             basicConstraints=critical,CA:FALSE`, and give it with `Tls::ca_file`"
        }
        Some(ConnectFailure::CertificateExpired) => {
            "whoever runs the gateway has to renew its certificate; is the clock of this machine \
             right?"
        }
        Some(ConnectFailure::CertificateNotYetValid) => "is the clock of this machine right?",
        Some(ConnectFailure::WrongHost) => {
            "ask for the gateway by a name that its certificate is for"
        }
        Some(ConnectFailure::ClientCertificateMissing) => {
            "give a client certificate and its key with `Tls::client_files`"
        }
        Some(ConnectFailure::ClientCertificateRefused) => {
            "the gateway takes no client without a client certificate, or not this one: give one \
             that its authority has signed, and its key, with `Tls::client_files`"
        }
        _ => {
            "a gateway without TLS is reached by `http://`; with TLS its certificate must come \
             from a public authority, or from one given with `Tls::ca_file`"
        }
    }
    .to_owned()
}

/// What listens on the URL's port as a rule, if that is something else; after `separator`.
fn other_port(context: &Context<'_>, separator: &str) -> String {
    let port = port(context.url);
    let other = OTHER_PORTS.iter().find(|(other, _)| port == Some(*other));
    other.map_or_else(String::new, |(port, what)| {
        format!("{separator}{port} is the port of {what}, a Pushgateway's is {GATEWAY_PORT}")
    })
}

/// The port that a URL names.
fn port(url: &str) -> Option<u16> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    authority.rsplit_once(':')?.1.parse().ok()
}

#[cfg(test)]
mod tests;
