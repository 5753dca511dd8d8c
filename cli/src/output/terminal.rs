//! stdout for data, stderr for words; colour where a person sees it.

use std::error::Error;
use std::io::{self, BufWriter, IsTerminal as _, Write};

use crate::error::CliError;
use crate::output::escape::escape_control_lines;

/// How words on stderr look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    coloured: bool,
}

/// What a word is, for its colour. The word itself always says it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageKind {
    Error,
    Warning,
    Hint,
}

impl Style {
    /// For stderr: colour on a terminal, unless `NO_COLOR` is set or the terminal is a dumb one.
    pub(crate) fn of_stderr() -> Self {
        Self::new(io::stderr().is_terminal())
    }

    /// For stdout, as for stderr.
    pub(crate) fn of_stdout() -> Self {
        Self::new(io::stdout().is_terminal())
    }

    fn new(is_terminal: bool) -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { coloured: is_terminal && !is_dumb && !is_set("NO_COLOR") }
    }

    /// `text`, coloured.
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

/// Says a line on stderr. If nobody listens there, nothing is lost but words.
pub(crate) fn print_message(line: &str) {
    writeln!(io::stderr().lock(), "{line}").ok();
}

/// Shows why a command failed: `error: …`, its causes, and what to do.
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

/// Shows a warning in one line.
pub(crate) fn print_warning(message: &str) {
    let word = Style::of_stderr().paint(MessageKind::Warning, "warning:");
    print_message(&format!("{word} {}", escape_control_lines(message, "  ")));
}

/// Writes data to stdout, buffered.
///
/// # Errors
/// [`CliError::BrokenPipe`] when the reader has gone, which is not an error; [`CliError::Stdout`] otherwise.
pub(crate) fn write_stdout(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), CliError> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    write(&mut stdout).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => CliError::BrokenPipe,
        _ => CliError::Stdout(error),
    })
}
