//! The demo on stdout: a table that lives, in a terminal; plain lines, in a pipe.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use super::tally::Tally;
use crate::error::CliError;
use crate::output::escape::escape_control;
use crate::output::table::Table;

/// Where the demo is shown.
#[derive(Debug)]
pub(super) struct Screen {
    is_terminal: bool,
    /// Lines of the table that stand above the cursor, to be drawn over.
    table_lines: usize,
    /// The table as it was drawn last, so that a line can be put above it.
    table: String,
    /// What went wrong with stdout; the demo goes on, and cleans up.
    failure: Option<io::Error>,
}

impl Screen {
    pub(super) fn new() -> Self {
        let is_terminal = io::stdout().is_terminal();
        Self { is_terminal, table_lines: 0, table: String::new(), failure: None }
    }

    /// Says what happened; above the table, if there is one.
    pub(super) fn line(&mut self, text: &str) {
        let text = format!("{}{}\n{}", self.erase(), escape_control(text), self.table);
        self.write(&text);
    }

    /// Shows how things stand: in a terminal only, as a pipe would get the same lines again and again.
    pub(super) fn table(&mut self, elapsed: Duration, tally: &Tally) {
        if !self.is_terminal {
            return;
        }
        let mut table = Table::new(["WORKER", "RECORDED", "ON THE GATEWAY", "STATE"]);
        for worker in &tally.workers {
            let (recorded, held) = worker.numbers();
            let state = worker.state().to_owned();
            table.push([worker.instance.clone(), recorded.to_string(), held, state]);
        }
        let erase = self.erase();
        self.table = format!("{table}{:.1} s\n", elapsed.as_secs_f64());
        self.table_lines = self.table.lines().count();
        let text = format!("{erase}{}", self.table);
        self.write(&text);
    }

    /// Leaves the table as it stands: what follows comes below it.
    pub(super) fn settle(&mut self) {
        self.table_lines = 0;
        self.table.clear();
    }

    /// Whether all could be shown.
    pub(super) fn finish(&mut self) -> Result<(), CliError> {
        match self.failure.take() {
            None => Ok(()),
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(CliError::BrokenPipe),
            Some(error) => Err(CliError::Stdout(error)),
        }
    }

    /// Moves to where the table begins, and clears from there on.
    fn erase(&self) -> String {
        match self.table_lines {
            0 => String::new(),
            lines => format!("\u{1b}[{lines}A\u{1b}[J"),
        }
    }

    fn write(&mut self, text: &str) {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        if let Err(error) = written {
            self.failure.get_or_insert(error);
        }
    }
}
