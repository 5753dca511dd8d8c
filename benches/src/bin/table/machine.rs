//! The machine and the versions behind the results, without which they mean nothing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};

/// The packages that are compared, and those that influence a comparison.
const PACKAGES: [&str; 10] = [
    "prompush-core",
    "prometheus-client",
    "prometheus",
    "metrics",
    "metrics-exporter-prometheus",
    "measured",
    "paracord",
    "itoa",
    "zmij",
    "foldhash",
];

/// The lock file that this program was built with.
const LOCK_FILE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"));

/// The machine, the commit, and the command.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) command: String,
    /// The day in UTC, such as `2026-11-22`.
    pub(crate) date: String,
    pub(crate) commit: String,
    pub(crate) rustc: String,
    pub(crate) processor: String,
    pub(crate) processors: usize,
    /// The load average of the last minute, at the start and at the end of the run.
    pub(crate) load: [f64; 2],
    pub(crate) duration: Duration,
    pub(crate) versions: Vec<(&'static str, String)>,
}

impl Machine {
    pub(crate) fn now(command: String) -> Result<Self> {
        let load = load();
        Ok(Self {
            command,
            date: today()?,
            commit: commit()?,
            rustc: output_of("rustc", &["--version"])?,
            processor: processor(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            load: [load; 2],
            duration: Duration::ZERO,
            versions: versions(),
        })
    }

    pub(crate) fn finish(&mut self, duration: Duration) {
        self.load[1] = load();
        self.duration = duration;
    }

    /// Whether other programs used a processor when the run began.
    pub(crate) fn was_shared(&self) -> bool {
        self.load[0] >= 0.5
    }

    /// The folder for results that are kept.
    pub(crate) fn folder(&self) -> PathBuf {
        let name = format!("{}-{}", self.date, slug(&self.processor));
        Path::new(env!("CARGO_MANIFEST_DIR")).join("results").join(name)
    }
}

fn commit() -> Result<String> {
    let commit = output_of("git", &["rev-parse", "--short=12", "HEAD"])?;
    let changes = output_of("git", &["status", "--porcelain", "--untracked-files=no"])?;
    Ok(if changes.is_empty() { commit } else { format!("{commit} with changes") })
}

fn output_of(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .with_context(|| format!("cannot start `{program}`"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The name of the processor on Linux.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("model name"));
    let name = line.and_then(|line| line.split_once(':')).map(|(_, name)| name.trim().to_owned());
    name.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(f64::NAN)
}

fn slug(name: &str) -> String {
    let name = name.to_lowercase();
    let words: Vec<&str> = name
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    words.join("-")
}

fn versions() -> Vec<(&'static str, String)> {
    PACKAGES.into_iter().filter_map(|name| Some((name, version(LOCK_FILE, name)?))).collect()
}

/// The version of a package. Of several versions the newest, which is the last in the file and the one we use.
fn version(lock_file: &str, package: &str) -> Option<String> {
    let (_, after) = lock_file.rsplit_once(&format!("name = \"{package}\"\nversion = \""))?;
    after.split_once('"').map(|(version, _)| version.to_owned())
}

#[expect(clippy::disallowed_methods, reason = "results are named after the day they are of")]
fn today() -> Result<String> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(date(since.as_secs() / 86_400))
}

/// The date of the day that is `days` days after 1 January 1970.
fn date(days: u64) -> String {
    let (mut year, mut left) = (1970, days);
    let is_leap =
        |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    while left >= 365 + u64::from(is_leap(year)) {
        left -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", left + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_date() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (11_016, "2000-02-29"),
            (20_088, "2024-12-31"),
            (20_779, "2026-11-22"),
        ] {
            assert_eq!(date(days), expected);
        }
    }

    #[test]
    fn versions_are_those_of_the_lock_file() {
        let lock_file = "[[package]]\nname = \"itoa\"\nversion = \"1.0.18\"\n";
        assert_eq!(version(lock_file, "itoa").as_deref(), Some("1.0.18"));
        assert_eq!(version(lock_file, "toa"), None);
        assert_eq!(versions().len(), PACKAGES.len());
    }

    #[test]
    fn a_processor_names_a_folder() {
        assert_eq!(slug("AMD EPYC-Milan (v2) @ 2.4"), "amd-epyc-milan-v2-2-4");
    }
}
