//! JSON on stdout.

use std::io::{self, Write};

use serde_json::Value;

/// Prints JSON for programs and people: indented, with a line end.
pub(crate) fn print_json(stdout: &mut dyn Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *stdout, value)?;
    writeln!(stdout)
}
