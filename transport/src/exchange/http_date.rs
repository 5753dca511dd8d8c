//! `HTTP-date` (RFC 9110, 5.6.7), in its three forms.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 24 * 3600;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `None` for what is no date. One of two digits is of this century.
pub(crate) fn parse(value: &str) -> Option<SystemTime> {
    let text: Vec<&str> = value.split([' ', ',', '-']).filter(|word| !word.is_empty()).collect();
    // `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`
    let ([_, day, month, year, time, "GMT"] | [_, month, day, time, year]) = *text.as_slice()
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
