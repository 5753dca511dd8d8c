//! Times in the format of RFC 3339.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

/// Formats a time since the Unix epoch in UTC, with the fraction of the second but without zeros at its end, as Go's
/// `time.RFC3339Nano` does. A time after the year 9999 gives an empty string.
pub(crate) fn format_rfc3339(since_epoch: Duration) -> String {
    let Some(time) = UNIX_EPOCH.checked_add(since_epoch) else { return String::new() };
    let mut text = String::new();
    if write!(text, "{}", humantime::format_rfc3339_nanos(time)).is_err() {
        return String::new();
    }
    let without_zeros = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    format!("{without_zeros}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc3339() {
        let check = |nanos: u64, expected: &str| {
            assert_eq!(format_rfc3339(Duration::from_nanos(nanos)), expected);
        };
        check(0, "1970-01-01T00:00:00Z");
        check(951_782_399_000_000_000, "2000-02-28T23:59:59Z");
        check(951_782_400_500_000_000, "2000-02-29T00:00:00.5Z");
        check(1_795_339_675_624_315_388, "2026-11-22T09:27:55.624315388Z");
        check(4_107_542_400_000_000_000, "2100-03-01T00:00:00Z");
        assert_eq!(format_rfc3339(Duration::MAX), "");
    }
}
