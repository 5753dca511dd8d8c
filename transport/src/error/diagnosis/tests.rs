//! Guards the hints: each known failure gets the advice that fits.

use std::sync::LazyLock;

use super::*;
use crate::http::HttpUrl;

static URL: LazyLock<RedactedUrl> = LazyLock::new(|| url("http://gw:9091"));

fn url(base: &str) -> RedactedUrl {
    HttpUrl::parse(base).unwrap().redacted("/metrics/job/x")
}

/// The hint in words; empty when there is none.
fn text(failed: &FailedOperation<'_>) -> String {
    hint(failed).map(|hint| hint.to_string()).unwrap_or_default()
}

fn failed(kind: PushErrorKind, answer_text: &str) -> FailedOperation<'_> {
    FailedOperation {
        verb: Verb::Push,
        kind,
        url: &URL,
        answer_text,
        location: Some("https://gw/x"),
        connect_failure: None,
        retry_after: None,
        gzip: Some(false),
    }
}

fn check(kind: PushErrorKind, answer_text: &str, expected: &str) {
    let hint = text(&failed(kind, answer_text));
    assert!(hint.contains(expected), "{kind:?} {answer_text:?}: {hint}");
}

#[test]
fn operations_without_a_body_get_no_hint_about_bodies() {
    for verb in [Verb::List, Verb::Delete, Verb::Scrape, Verb::Ready] {
        for answer_text in ["text format parsing error in line 1", "unexpected EOF", "EOF", ""] {
            let refused = failed(PushErrorKind::Refused(400), answer_text);
            let hint = text(&FailedOperation { verb, gzip: None, ..refused });
            let expected = "check that a Pushgateway listens there, and that the URL";
            assert!(hint.starts_with(expected), "{verb:?} {answer_text:?}: {hint}");
        }
        let refused = failed(PushErrorKind::Refused(400), "improper label name");
        let hint = text(&FailedOperation { verb, gzip: None, ..refused });
        assert_eq!(hint.contains("grouping key"), verb == Verb::Delete, "{verb:?}: {hint}");
    }
}

#[test]
fn every_known_beginning_is_recognised() {
    for (answer_text, expected) in [
        ("text format parsing error in line 1: invalid metric name", "prompush check"),
        ("odd number of components in label string \"/a\"", "grouping key"),
        ("improper label name \"__x\"", "grouping key"),
        ("invalid base64 encoding for label a=\"a\": illegal base64 data", "grouping key"),
        ("invalid base64 encoding in job name \"\": illegal base64 data", "grouping key"),
        ("job name is required", "grouping key"),
        ("400 Bad Request", "grouping key"),
        ("unexpected EOF", "decompress"),
        ("EOF", "decompress"),
        ("snappy: corrupt input", "decompress"),
        ("Client sent an HTTP request to an HTTPS server.", "https://"),
        ("<html> 400 The plain HTTP request was sent to HTTPS port", "https://"),
    ] {
        check(PushErrorKind::Refused(400), answer_text, expected);
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
fn each_connect_failure_has_its_own_hint() {
    use ConnectFailure as It;
    let check = |kind, connect_failure, expected: &str| {
        let failed = FailedOperation { connect_failure: Some(connect_failure), ..failed(kind, "") };
        let hint = text(&failed);
        assert!(hint.contains(expected), "{connect_failure:?}: {hint}");
    };
    for (connect_failure, expected) in [
        (It::ConnectionRefused, "nothing listens on that port"),
        (It::NameUnknown, "spelled right"),
        (It::NameUnanswered, "/etc/resolv.conf"),
        (It::HostSilent, "firewall"),
        (It::Proxy, "NO_PROXY"),
    ] {
        check(PushErrorKind::Unreachable, connect_failure, expected);
    }
    for (connect_failure, expected) in [
        (It::NoTls, "does not speak TLS"),
        (It::UnknownAuthority, "`Tls::ca_file`"),
        (It::AuthorityAsServer, "CA:FALSE"),
        (It::CertificateExpired, "renew"),
        (It::CertificateNotYetValid, "clock"),
        (It::WrongHost, "by a name"),
        (It::ClientCertificateMissing, "`Tls::client_files`"),
        (It::ClientCertificateRefused, "`Tls::client_files`"),
    ] {
        check(PushErrorKind::Tls, connect_failure, expected);
    }
}

#[test]
fn the_usual_program_of_a_wrong_port_is_named() {
    let check = |kind, connect_failure, base: &str, expected: &str| {
        let failed = FailedOperation { url: &url(base), connect_failure, ..failed(kind, "") };
        let hint = text(&failed);
        assert!(hint.contains(expected), "{base}: {hint}");
    };
    let refused = Some(ConnectFailure::ConnectionRefused);
    let unreachable = PushErrorKind::Unreachable;
    check(unreachable, refused, "http://gw:4318", "4318 is the port of OTLP");
    check(unreachable, refused, "http://gw", "The URL names no port");
    check(unreachable, refused, "http://[::1]:9191", "listens on 9091 by default");
    check(unreachable, refused, "http://gw:9091", "that the port is right");
    check(PushErrorKind::NotAGateway, None, "http://gw:3000", "Grafana");
    check(PushErrorKind::Timeout, None, "http://gw:4317", "OTLP, by gRPC");
    check(PushErrorKind::Refused(404), None, "http://gw:9090", "Prometheus itself");
    check(PushErrorKind::Refused(404), None, "http://gw", "9090 is the port of Prometheus");
}

#[test]
fn a_hint_knows_what_was_tried() {
    let with = |kind, gzip, retry_after| {
        let failed = FailedOperation { retry_after, gzip, ..failed(kind, "") };
        text(&failed)
    };
    let too_large = PushErrorKind::Refused(413);
    assert!(with(too_large, Some(false), None).contains("`gzip`"));
    assert!(!with(too_large, Some(true), None).contains("`gzip`"));
    let seconds = Some(Duration::from_mins(1));
    assert!(with(PushErrorKind::Unavailable(503), None, seconds).contains("60s"));
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
