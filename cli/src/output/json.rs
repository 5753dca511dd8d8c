//! Writes JSON.

use std::io::{self, Write};

use serde_json::Value;

/// Writes JSON with indentation and a final newline.
pub(crate) fn print_json(stdout: &mut dyn Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *stdout, value)?;
    writeln!(stdout)
}
