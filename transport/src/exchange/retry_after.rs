//! `Retry-After` (RFC 9110, 10.2.3): a number of seconds, or a date in one of three forms.

use std::time::{Duration, SystemTime};

/// Returns how long the server asks the client to stay away; `None` for a value that is neither a
/// number of seconds nor a date.
///
/// A date is relative to `now`; a date that has passed gives zero.
pub(crate) fn parse(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // A number with too many digits is a very long time, which the caller cuts.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let then = httpdate::parse_http_date(value).ok()?;
    Some(then.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    /// 1994-11-06 08:49:37 UTC, the date of the RFC's examples.
    const EXAMPLE: u64 = 784_111_777;

    fn check(value: &str, now: u64, expected: Option<u64>) {
        let now = UNIX_EPOCH + Duration::from_secs(now);
        assert_eq!(parse(value, now), expected.map(Duration::from_secs), "{value:?}");
    }

    #[test]
    fn seconds() {
        check("0", 0, Some(0));
        check("120", 0, Some(120));
        check(" 7 ", 0, Some(7));
        check("0007", 0, Some(7));
        check("\t7\t", 0, Some(7));
        check("18446744073709551615", 0, Some(u64::MAX));
        check("18446744073709551616", 0, Some(u64::MAX));
        check("99999999999999999999999", 0, Some(u64::MAX));
    }

    #[test]
    fn dates() {
        for date in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            check(date, EXAMPLE - 10, Some(10));
            check(date, EXAMPLE + 10, Some(0));
        }
        // A year of two digits from 70 on belongs to the last century.
        check("Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE - 10, Some(10));
        // The three forms of the RFC, a second apart.
        check("Sun, 06 Nov 2044 08:49:38 GMT", 2_362_034_977, Some(1));
        check("Sunday, 06-Nov-44 08:49:38 GMT", 2_362_034_977, Some(1));
        check("Sun Nov  6 08:49:38 2044", 2_362_034_977, Some(1));
        check("Thu, 01 Jan 1970 00:00:00 GMT", 0, Some(0));
        check("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_798, Some(1));
        // `httpdate` knows no leap seconds; the retry then comes after our own wait.
        check("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_799, None);
        check("Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_800, Some(0));
        check("Fri, 01 Mar 2024 00:00:01 GMT", 1_709_164_800, Some(86_401));
    }

    #[test]
    fn nonsense() {
        for value in [
            "",
            "soon",
            "-1",
            "-0",
            "1.5",
            "1e3",
            "0x10",
            "+5",
            "5 s",
            "5s",
            "1 2",
            "٣",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 +0000",
            "Sun, 06 Nov 1969 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT again",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "1994-11-06T08:49:37Z",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Thu, 29 Feb 2023 00:00:00 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 06 Nov 19940 08:49:37 GMT",
            "é, 06 Nov 1994 08:49:37 GMT x y",
        ] {
            check(value, 0, None);
        }
    }
}
