//! Writes ages for people.

use std::time::Duration;

/// An age in at most two units: `3s`, `2m 5s`, `4h 12m`, `8d 3h`.
pub(crate) fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let pair = |big: u64, big_unit, small: u64, small_unit| match small {
        0 => format!("{big}{big_unit}"),
        small => format!("{big}{big_unit} {small}{small_unit}"),
    };
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => pair(minutes, 'm', seconds % 60, 's'),
        3600..86_400 => pair(hours, 'h', minutes % 60, 'm'),
        _ => pair(days, 'd', hours % 24, 'h'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_two_units_at_most() {
        let check = |seconds: u64, expected: &str| {
            assert_eq!(age(Duration::from_secs(seconds)), expected);
        };
        check(0, "0s");
        check(59, "59s");
        check(60, "1m");
        check(125, "2m 5s");
        check(3600, "1h");
        check(15_120, "4h 12m");
        check(86_400 * 8 + 3 * 3600 + 59, "8d 3h");
    }
}
