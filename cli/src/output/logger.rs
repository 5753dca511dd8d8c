//! Prints log messages to stderr: `info: …`, `warning: …`.

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::args::LogLevel;
use crate::output::escape::escape_control_lines;
use crate::output::terminal::{print_message, print_warning};

#[derive(Debug)]
struct StderrLog;

impl Log for StderrLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The messages of other crates are for their developers.
        metadata.level() <= log::max_level() && metadata.target().starts_with("prompush")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let message = record.args().to_string();
            if record.level() == Level::Warn {
                return print_warning(&message);
            }
            let level = record.level().as_str().to_ascii_lowercase();
            print_message(&format!("{level}: {}", escape_control_lines(&message, "  ")));
        }
    }

    fn flush(&self) {}
}

/// Prints warnings and errors, unless the command has already chosen a level.
pub(crate) fn init_default() {
    if log::max_level() == LevelFilter::Off {
        init(LogLevel::Warn);
    }
}

/// Prints the messages of `level` and of higher levels.
pub(crate) fn init(level: LogLevel) {
    log::set_max_level(match level {
        LogLevel::Debug => LevelFilter::Debug,
        LogLevel::Info => LevelFilter::Info,
        LogLevel::Warn => LevelFilter::Warn,
        LogLevel::Error => LevelFilter::Error,
    });
    // This fails only if a logger was set before, which is then the same logger.
    log::set_logger(&StderrLog).ok();
}
