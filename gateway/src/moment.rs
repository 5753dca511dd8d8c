//! A point in time, and how it is written.

use std::time::{Duration, Instant, UNIX_EPOCH};

use prompush_core::clock::Clock;

/// A point in time on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Time since the Unix epoch: what `push_time_seconds` shows.
    pub(crate) wall: Duration,
    /// Time since some fixed point; never steps. Expiry is measured in it.
    pub(crate) monotonic: Duration,
}

impl Moment {
    /// Now, by `clock`; the monotonic time is counted from `start`.
    pub(crate) fn now(clock: &dyn Clock, start: Instant) -> Self {
        let wall = clock.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall, monotonic: clock.now().duration_since(start) }
    }
}

/// Writes a time since the Unix epoch as RFC 3339 in UTC, with as many digits of the second as there are.
pub(crate) fn rfc3339(since_epoch: Duration) -> String {
    let seconds = since_epoch.as_secs();
    let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_date(days);
    let (hour, minute, second) =
        (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if since_epoch.subsec_nanos() != 0 {
        let fraction = format!(".{:09}", since_epoch.subsec_nanos());
        text.push_str(fraction.trim_end_matches('0'));
    }
    text.push('Z');
    text
}

/// Year, month and day of a day since the Unix epoch in the Gregorian calendar.
///
/// The year is counted from March, so that a leap day is the last of its year.
fn civil_date(days_since_epoch: u64) -> (u64, u64, u64) {
    const DAYS_TO_EPOCH: u64 = 719_468; // from 0000-03-01
    const DAYS_IN_400_YEARS: u64 = 146_097;
    let days = days_since_epoch + DAYS_TO_EPOCH;
    let (era, day_of_era) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc3339() {
        let check = |nanos: u64, expected: &str| {
            assert_eq!(rfc3339(Duration::from_nanos(nanos)), expected);
        };
        check(0, "1970-01-01T00:00:00Z");
        check(951_782_399_000_000_000, "2000-02-28T23:59:59Z");
        check(951_782_400_500_000_000, "2000-02-29T00:00:00.5Z");
        check(1_795_339_675_624_315_388, "2026-11-22T09:27:55.624315388Z");
        check(4_107_542_400_000_000_000, "2100-03-01T00:00:00Z");
    }
}
