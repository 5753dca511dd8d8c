//! Durations as the Pushgateway's flags have them, and ages for people.

use std::time::Duration;

const UNITS: [(&str, f64); 8] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
    ("d", 86_400.0),
];

/// Reads a duration as Go's `time.ParseDuration` does, and days: `300s`, `1h30m`, `1.5h`, `7d`, `0`.
///
/// # Errors
/// What was expected, for clap to show.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "expected a number with a unit, such as `30s`, `5m`, `1h30m` or `7d`";
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() || text.is_empty() {
        let number_end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(|| EXPECTED.to_owned())?;
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let number: f64 = number.parse().map_err(|_| EXPECTED.to_owned())?;
        let (_, factor) =
            UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(|| EXPECTED.to_owned())?;
        seconds += number * factor;
        rest = after;
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| "expected a shorter time".to_owned())
}

/// How long ago that was, in at most two units: `3s`, `2m 5s`, `4h 12m`, `8d 3h`.
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
    fn durations_are_read_as_go_reads_them_and_days() {
        let check = |text: &str, millis: u64| {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        };
        check("300s", 300_000);
        check("5m", 300_000);
        check("1h30m", 5_400_000);
        check("1.5h", 5_400_000);
        check("100ms", 100);
        check("1m0.5s", 60_500);
        check("7d", 604_800_000);
        check("1d12h", 129_600_000);
        check("0", 0);
        check("0s", 0);
        for bad in [
            "",
            "5",
            "s",
            "5 s",
            "-5s",
            "5w",
            "5D",
            "1h30",
            "1..5s",
            ".s",
            "5S",
            "99999999999999999999h",
        ] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

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
