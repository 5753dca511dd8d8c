//! What to do about a failure: the fixed beginnings of a gateway's complaints, recognised.
//!
//! Only status codes and these beginnings are matched: the rest of an error text differs from
//! build to build of the gateway.

use crate::error::PushErrorKind;

/// Beginnings of a complaint, and what to do about it. The first that matches is taken.
const COMPLAINTS: &[(&str, &str)] = &[
    (
        "text format parsing error",
        "the body is not in the Prometheus text format 0.0.4; `prompush check` shows every place",
    ),
    ("odd number of components in label string", GROUPING_KEY),
    ("improper label name", GROUPING_KEY),
    ("invalid base64 encoding", GROUPING_KEY),
    ("job name is required", GROUPING_KEY),
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
    ("collides with previously collected", NAME_CLASH),
    ("is not a ", NAME_CLASH),
    ("not utf8", "label values and grouping keys must be UTF-8"),
];

const GROUPING_KEY: &str = "the grouping key in the URL was not understood: is the gateway's URL its \
                            base URL, without `/metrics/job/…`?";
const NAME_CLASH: &str = "another group holds a metric of this name with another type: rename one \
                          of them, or delete the other group (`prompush list` shows the groups)";

/// What to do, where that is known. `reason` is what the gateway said, `location` where a redirect
/// points to.
pub(crate) fn hint(kind: PushErrorKind, reason: &str, location: Option<&str>) -> Option<String> {
    let hint = match kind {
        PushErrorKind::Refused(status) => return refused(status, reason).map(str::to_owned),
        PushErrorKind::Redirected(_) => {
            return Some(match location {
                Some(location) => format!(
                    "give the gateway's own URL; the redirect to `{location}` shows what differs"
                ),
                None => "give the gateway's own URL".to_owned(),
            });
        }
        PushErrorKind::Unavailable(429) => {
            "the gateway, or a proxy before it, asks for fewer pushes"
        }
        PushErrorKind::Unavailable(_) => {
            "the gateway, or a proxy before it, is starting, stopping or overloaded: try again later"
        }
        PushErrorKind::Timeout => {
            "a gateway with thousands of groups takes seconds for a push: delete groups that are \
             done with, or allow more with `attempt_timeout` and `total_timeout`"
        }
        PushErrorKind::Unreachable => "is the gateway running, and are host and port right?",
        PushErrorKind::Dropped => {
            "Pushgateway 1.11.0, as in Debian 13, closes the connection where others answer 400 \
             and a reason: does another group hold one of these metrics with another type, or do \
             they have timestamps? `prompush check` finds what can be found without the gateway"
        }
        PushErrorKind::Tls => {
            "a gateway without TLS is reached by `http://`; with TLS its certificate must come \
             from a public authority"
        }
        PushErrorKind::NotAGateway => {
            "something else listens there, or answers in the gateway's place (a login page, a \
             proxy): check host, port and path of the gateway's URL"
        }
        PushErrorKind::TooLarge => "push less at once, or raise the limit",
        PushErrorKind::Forked => "start the pusher after the `fork`",
        PushErrorKind::Encode | PushErrorKind::Stopped => return None,
    };
    Some(hint.to_owned())
}

fn refused(status: u16, reason: &str) -> Option<&'static str> {
    let known = COMPLAINTS.iter().find(|(prefix, _)| reason.starts_with(prefix));
    if let Some((_, hint)) = known {
        return Some(hint);
    }
    if let Some(rest) = reason.strip_prefix(INCONSISTENT) {
        let known = INCONSISTENCIES.iter().find(|(part, _)| rest.contains(part));
        return known.map(|(_, hint)| *hint);
    }
    match status {
        401 | 403 | 407 => {
            Some("the gateway, or a proxy before it, wants credentials or refuses these")
        }
        404 | 405 => Some(
            "is this a Pushgateway, and is the URL its base URL, with its route prefix if it has \
             one and without `/metrics`?",
        ),
        413 => {
            Some("the gateway, or a proxy before it, takes no body of this size: push less at once")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: PushErrorKind, reason: &str, expected: &str) {
        let hint = hint(kind, reason, Some("https://gw/x")).unwrap_or_default();
        assert!(hint.contains(expected), "{kind:?} {reason:?}: {hint}");
    }

    #[test]
    fn every_known_beginning_is_recognised() {
        for (reason, expected) in [
            ("text format parsing error in line 1: invalid metric name", "prompush check"),
            ("odd number of components in label string \"/a\"", "grouping key"),
            ("improper label name \"__x\"", "grouping key"),
            ("invalid base64 encoding for label a=\"a\": illegal base64 data", "grouping key"),
            ("invalid base64 encoding in job name \"\": illegal base64 data", "grouping key"),
            ("job name is required", "grouping key"),
        ] {
            check(PushErrorKind::Refused(400), reason, expected);
        }
        for (rest, expected) in [
            ("pushed metrics must not have timestamps", "drop the timestamps"),
            (
                "collected metric \"foo\" { untyped:<value:2 > } was collected before with the same name and label values",
                "label that differs",
            ),
            (
                "collected metric \"foo\" {label:{name:\"job\"  value:\"y\"}  counter:{value:1}} is not a GAUGE",
                "another type",
            ),
            (
                "collected metric named \"h_count\" collides with previously collected histogram named \"h\"",
                "another type",
            ),
            (
                "gathered metric family go_goroutines has type COUNTER but should have GAUGE",
                "of its own",
            ),
            (
                "collected metric \"foo\" { label:<name:\"__x\" value:\"1\" > } has a label with an invalid name: __x",
                "__",
            ),
            (
                "3 error(s) occurred: * collected metric \"foo\" has a label named \"job\" whose value is not utf8: \"a\"",
                "UTF-8",
            ),
        ] {
            check(PushErrorKind::Refused(400), &format!("{INCONSISTENT}: {rest}"), expected);
        }
    }

    #[test]
    fn kinds() {
        check(PushErrorKind::Refused(404), "404 page not found", "base URL");
        check(PushErrorKind::Refused(401), "", "credentials");
        check(PushErrorKind::Refused(413), "<html>", "size");
        check(PushErrorKind::Redirected(301), "", "https://gw/x");
        check(PushErrorKind::Dropped, "", "Debian 13");
        check(PushErrorKind::Unavailable(503), "", "later");
        check(PushErrorKind::Refused(400), "something new", "");
    }
}
