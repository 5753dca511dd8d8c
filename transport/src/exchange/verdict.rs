//! The verdict on an attempt: success, worth a retry, or final.

use std::time::{Duration, SystemTime};

use crate::error::PushErrorKind;
use crate::exchange::retry_after;
use crate::http::HttpFailureKind;

/// The verdict on an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The gateway acknowledged.
    Success,
    /// The same request may succeed later. `retry_after` is how long the gateway asked the client to
    /// stay away.
    Retry { kind: PushErrorKind, retry_after: Option<Duration> },
    /// The same request would fail in the same way again.
    Final(PushErrorKind),
}

/// The parts of an answer that the verdict depends on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AnswerHead<'a> {
    pub(crate) status: u16,
    /// Whether the answer calls itself HTML. A gateway answers a push without a body, so a page comes
    /// from something else.
    pub(crate) html: bool,
    pub(crate) retry_after: Option<&'a str>,
}

/// Judges an answer by its status and headers.
///
/// A retry is worth it after 408, 425, 429 and 5xx, except for 501 and 505: these two say that the
/// server will never serve such a request. Every 2xx is a success, because a Pushgateway answers 200 or
/// 202 and `VictoriaMetrics` answers 204. A date in `Retry-After` is relative to `now`, and the wait is
/// cut to `retry_after_max`.
pub(crate) fn judge_answer(
    answer: AnswerHead<'_>,
    now: SystemTime,
    retry_after_max: Duration,
) -> Verdict {
    match answer.status {
        200..=299 if answer.html => Verdict::Final(PushErrorKind::NotAGateway),
        200..=299 => Verdict::Success,
        status @ 300..=399 => Verdict::Final(PushErrorKind::Redirected(status)),
        status @ (501 | 505) => Verdict::Final(PushErrorKind::Refused(status)),
        status @ (408 | 425 | 429 | 500..=599) => {
            let asked = answer.retry_after.and_then(|value| retry_after::parse(value, now));
            // A zero, or a date that has passed, asks for nothing: our own waits apply, and grow.
            let asked = asked.filter(|time| !time.is_zero());
            let retry_after = asked.map(|time| time.min(retry_after_max));
            Verdict::Retry { kind: PushErrorKind::Unavailable(status), retry_after }
        }
        status @ 400..=499 => Verdict::Final(PushErrorKind::Refused(status)),
        _ => Verdict::Final(PushErrorKind::NotAGateway),
    }
}

/// Judges an attempt that has no answer.
///
/// `dropped` counts the attempts in a row, this one included, whose connection was closed after the
/// whole body was sent. From `dropped_max` on, closing the connection is taken for a refusal:
/// Pushgateway 1.11.0 does so where other versions answer 400.
pub(crate) fn judge_failure(failure: HttpFailureKind, dropped: u32, dropped_max: u32) -> Verdict {
    let retry = |kind| Verdict::Retry { kind, retry_after: None };
    match failure {
        HttpFailureKind::Unreachable => retry(PushErrorKind::Unreachable),
        HttpFailureKind::Timeout => retry(PushErrorKind::Timeout),
        HttpFailureKind::Dropped { after_body: true } if dropped >= dropped_max => {
            Verdict::Final(PushErrorKind::Dropped)
        }
        HttpFailureKind::Dropped { .. } => retry(PushErrorKind::Dropped),
        HttpFailureKind::Tls => Verdict::Final(PushErrorKind::Tls),
        HttpFailureKind::Garbled => Verdict::Final(PushErrorKind::NotAGateway),
        HttpFailureKind::TooLarge => Verdict::Final(PushErrorKind::TooLarge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAP: Duration = Duration::from_mins(1);

    fn check(status: u16, html: bool, retry_after: Option<&str>, expected: Verdict) {
        let head = AnswerHead { status, html, retry_after };
        let verdict = judge_answer(head, SystemTime::UNIX_EPOCH, CAP);
        assert_eq!(verdict, expected, "{head:?}");
    }

    fn retry(status: u16, after: Option<u64>) -> Verdict {
        Verdict::Retry {
            kind: PushErrorKind::Unavailable(status),
            retry_after: after.map(Duration::from_secs),
        }
    }

    #[test]
    fn answers() {
        for status in [200, 202, 204] {
            check(status, false, None, Verdict::Success);
            check(status, true, None, Verdict::Final(PushErrorKind::NotAGateway));
        }
        for status in [300, 301, 302, 303, 304, 307, 308, 399] {
            check(status, false, None, Verdict::Final(PushErrorKind::Redirected(status)));
        }
        for status in [400, 401, 403, 404, 405, 409, 410, 411, 413, 415, 422, 431, 451, 501, 505] {
            check(status, true, Some("5"), Verdict::Final(PushErrorKind::Refused(status)));
        }
        for status in [408, 425, 429, 500, 502, 503, 504, 507, 520, 599] {
            check(status, true, None, retry(status, None));
        }
        for status in [0, 100, 199, 600, 999] {
            check(status, false, None, Verdict::Final(PushErrorKind::NotAGateway));
        }
    }

    #[test]
    fn retry_after_is_honoured_up_to_the_cap() {
        check(503, false, Some("5"), retry(503, Some(5)));
        check(429, false, Some("0"), retry(429, None));
        check(429, false, Some("Thu, 01 Jan 1970 00:00:00 GMT"), retry(429, None));
        check(503, false, Some("3600"), retry(503, Some(60)));
        check(503, false, Some("99999999999999999999"), retry(503, Some(60)));
        check(503, false, Some("Thu, 01 Jan 1970 00:00:07 GMT"), retry(503, Some(7)));
        check(503, false, Some("when it suits you"), retry(503, None));
    }

    #[test]
    fn failures() {
        let retry = |kind| Verdict::Retry { kind, retry_after: None };
        for (failure, dropped, expected) in [
            (HttpFailureKind::Unreachable, 0, retry(PushErrorKind::Unreachable)),
            (HttpFailureKind::Timeout, 0, retry(PushErrorKind::Timeout)),
            (HttpFailureKind::Dropped { after_body: false }, 9, retry(PushErrorKind::Dropped)),
            (HttpFailureKind::Dropped { after_body: true }, 1, retry(PushErrorKind::Dropped)),
            (HttpFailureKind::Dropped { after_body: true }, 2, retry(PushErrorKind::Dropped)),
            (
                HttpFailureKind::Dropped { after_body: true },
                3,
                Verdict::Final(PushErrorKind::Dropped),
            ),
            (HttpFailureKind::Tls, 0, Verdict::Final(PushErrorKind::Tls)),
            (HttpFailureKind::Garbled, 0, Verdict::Final(PushErrorKind::NotAGateway)),
            (HttpFailureKind::TooLarge, 0, Verdict::Final(PushErrorKind::TooLarge)),
        ] {
            assert_eq!(judge_failure(failure, dropped, 3), expected, "{failure:?} {dropped}");
        }
    }
}
