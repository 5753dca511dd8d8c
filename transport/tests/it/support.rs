//! Shared by all tests: configuration, deadlines, fixtures, and the captured log of the program.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};
use prompush::{GatewayConfig, GroupingKey, Registry};

/// Longer than any operation takes that should finish at once.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The default limits, without the proxy of the environment.
pub(crate) fn config() -> GatewayConfig {
    GatewayConfig::default().proxy_from_environment(false)
}

/// The group of a job without further labels.
pub(crate) fn key(job: &str) -> GroupingKey {
    GroupingKey::new(job).expect("a good job")
}

/// A registry with one gauge.
pub(crate) fn gauge(name: &str, value: f64) -> Registry {
    let registry = Registry::new();
    registry.gauge(name, "").expect("a good name").set(value);
    registry
}

/// One message of the log.
#[derive(Clone, Debug)]
pub(crate) struct LogLine {
    pub(crate) level: Level,
    pub(crate) target: String,
    pub(crate) text: String,
}

/// Captures all messages of this program down to `Debug`, those of other tests too.
struct CapturedLog(Mutex<Vec<LogLine>>);

static CAPTURED_LOG: CapturedLog = CapturedLog(Mutex::new(Vec::new()));
static INSTALLED: OnceLock<()> = OnceLock::new();

/// Captures the log from now on. Call it before the code under test.
pub(crate) fn capture_log() {
    INSTALLED.get_or_init(|| {
        log::set_logger(&CAPTURED_LOG).expect("no other logger");
        log::set_max_level(LevelFilter::Debug);
    });
}

/// The messages that were captured so far.
pub(crate) fn captured_log() -> Vec<LogLine> {
    CAPTURED_LOG.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Log for CapturedLog {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let (target, text) = (record.target().to_owned(), record.args().to_string());
        let line = LogLine { level: record.level(), target, text };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn flush(&self) {}
}
