//! Writes data to stdout and messages to stderr. Uses colours only on a terminal.

use std::error::Error;
use std::io::{self, BufWriter, IsTerminal as _, Write};

use crate::error::CliError;
use crate::output::escape::escape_control_lines;

/// Whether an output stream gets colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    coloured: bool,
}

/// The kind of a message, which decides its colour. The text says the kind, too, so it is never lost without colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageKind {
    Error,
    Warning,
    Hint,
}

impl Style {
    /// The style of stderr: colours on a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    pub(crate) fn of_stderr() -> Self {
        Self::new(io::stderr().is_terminal())
    }

    /// The style of stdout, by the same rules.
    pub(crate) fn of_stdout() -> Self {
        Self::new(io::stdout().is_terminal())
    }

    fn new(is_terminal: bool) -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { coloured: is_terminal && !is_dumb && !is_set("NO_COLOR") }
    }

    /// `text` with the control sequences for its colour.
    pub(crate) fn paint(self, kind: MessageKind, text: &str) -> String {
        if !self.coloured {
            return text.to_owned();
        }
        let code = match kind {
            MessageKind::Error => "1;31",
            MessageKind::Warning => "1;33",
            MessageKind::Hint => "1;36",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Prints a line to stderr. An error is ignored: there is no other place to report it.
pub(crate) fn print_message(line: &str) {
    writeln!(io::stderr().lock(), "{line}").ok();
}

/// Prints an error: `error: …`, then its causes, then a hint.
pub(crate) fn print_error(error: &CliError) {
    let style = Style::of_stderr();
    let mut lines = vec![format!(
        "{} {}",
        style.paint(MessageKind::Error, "error:"),
        escape_control_lines(&error.to_string(), "  ")
    )];
    let mut cause = error.source();
    while let Some(error) = cause {
        lines.push(format!("  cause: {}", escape_control_lines(&error.to_string(), "    ")));
        cause = error.source();
    }
    if let Some(hint) = error.hint() {
        lines.push(format!(
            "{} {}",
            style.paint(MessageKind::Hint, "hint:"),
            escape_control_lines(&hint, "  ")
        ));
    }
    print_message(&lines.join("\n"));
}

/// Prints a warning: `warning: …`.
pub(crate) fn print_warning(message: &str) {
    let word = Style::of_stderr().paint(MessageKind::Warning, "warning:");
    print_message(&format!("{word} {}", escape_control_lines(message, "  ")));
}

/// Writes data to stdout through a buffer.
///
/// # Errors
/// [`CliError::BrokenPipe`] if the reader has closed stdout, else [`CliError::Stdout`].
pub(crate) fn write_stdout(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), CliError> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    write(&mut stdout).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => CliError::BrokenPipe,
        _ => CliError::Stdout(error),
    })
}
