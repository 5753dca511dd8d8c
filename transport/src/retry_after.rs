//! `Retry-After` (RFC 9110, 10.2.3): a number of seconds, or a date in one of three forms.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 24 * 3600;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// How long the gateway asks us to stay away, `None` when its words cannot be read.
///
/// A date is taken relative to `now`; one that has passed means no wait.
pub(crate) fn parse(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit is a very long time, which the caller caps.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let then = parse_date(value)?;
    Some(then.duration_since(now).unwrap_or(Duration::ZERO))
}

/// `HTTP-date` (RFC 9110, 5.6.7).
fn parse_date(value: &str) -> Option<SystemTime> {
    let words: Vec<&str> = value.split([' ', ',', '-']).filter(|word| !word.is_empty()).collect();
    // `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`
    let ([_, day, month, year, time, "GMT"] | [_, month, day, time, year]) = *words.as_slice()
    else {
        return None;
    };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let year = match (year.len(), number(year)?) {
        // The RFC wants a sliding window of 50 years; a Retry-After is never far away.
        (2, year) => 2000 + year,
        (4, year) => year,
        _ => return None,
    };
    let days = days_since_epoch(year, u64::try_from(month).ok()?, number(day)?)?;
    let seconds = seconds_of_day(time)?;
    UNIX_EPOCH.checked_add(Duration::from_secs(days * SECONDS_PER_DAY + seconds))
}

fn number(word: &str) -> Option<u64> {
    word.bytes().all(|b| b.is_ascii_digit()).then(|| word.parse().ok())?
}

fn seconds_of_day(time: &str) -> Option<u64> {
    let mut parts = time.split(':').map(number);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    // 60 is a leap second.
    let valid = parts.next().is_none() && hour < 24 && minute < 60 && second <= 60;
    valid.then_some(hour * 3600 + minute * 60 + second)
}

fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=31).contains(&day) {
        return None;
    }
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let days_in = |month| match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if day > days_in(month) {
        return None;
    }
    let years: u64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    Some(years + (1..month).map(days_in).sum::<u64>() + day - 1)
}

#[cfg(test)]
mod tests {
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
        check("99999999999999999999999", 0, Some(u64::MAX));
    }

    #[test]
    fn dates() {
        for date in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            check(date, EXAMPLE - 10, Some(10));
            check(date, EXAMPLE + 10, Some(0));
        }
        check("Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE, Some(100 * 365 * 86_400 + 25 * 86_400));
        check("Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_800, Some(0));
        check("Fri, 01 Mar 2024 00:00:01 GMT", 1_709_164_800, Some(86_401));
    }

    #[test]
    fn nonsense() {
        for value in [
            "",
            "soon",
            "-1",
            "1.5",
            "+5",
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
