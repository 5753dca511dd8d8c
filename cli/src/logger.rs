//! Log messages on stderr: `info: …`.

use log::{LevelFilter, Log, Metadata, Record};

use crate::args::LogLevel;
use crate::escape::visible_lines;
use crate::terminal::say;

#[derive(Debug)]
struct StderrLog;

impl Log for StderrLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Libraries below ours speak to their developers.
        metadata.level() <= log::max_level() && metadata.target().starts_with("prompush")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let level = record.level().as_str().to_ascii_lowercase();
            say(&format!("{level}: {}", visible_lines(&record.args().to_string(), "  ")));
        }
    }

    fn flush(&self) {}
}

/// Shows messages from that level up.
pub(crate) fn init(level: LogLevel) {
    log::set_max_level(match level {
        LogLevel::Debug => LevelFilter::Debug,
        LogLevel::Info => LevelFilter::Info,
        LogLevel::Warn => LevelFilter::Warn,
        LogLevel::Error => LevelFilter::Error,
    });
    // It fails only if there is a logger already, and there is one call a process.
    log::set_logger(&StderrLog).ok();
}
