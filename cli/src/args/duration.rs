//! Durations, in the notation of the flags of the Pushgateway.

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

/// Parses a duration as `time.ParseDuration` of Go does, and also days: `300s`, `1h30m`, `1.5h`, `7d`, `0`.
///
/// # Errors
/// The text that clap shows: which notation is expected.
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
}
