//! The demo on stdout: in a terminal a table that is drawn again and again, in a pipe only lines.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use crate::commands::demo::results::Results;
use crate::error::CliError;
use crate::output::escape::escape_control;
use crate::output::table::Table;

/// The output of the demo.
#[derive(Debug)]
pub(super) struct Screen {
    is_terminal: bool,
    /// The lines of the table above the cursor. The next table is drawn over them.
    table_lines: usize,
    /// The last table, so that a line can be inserted above it.
    table: String,
    /// The first error of stdout. The demo goes on, so that it cleans up.
    failure: Option<io::Error>,
}

impl Screen {
    pub(super) fn new() -> Self {
        let is_terminal = io::stdout().is_terminal();
        Self { is_terminal, table_lines: 0, table: String::new(), failure: None }
    }

    /// Prints a line, above the table if there is one.
    pub(super) fn line(&mut self, text: &str) {
        let text = format!("{}{}\n{}", self.erase(), escape_control(text), self.table);
        self.write(&text);
    }

    /// Draws the table of the workers. Does so only in a terminal: a pipe would get the table again and again.
    pub(super) fn table(&mut self, elapsed: Duration, results: &Results) {
        if !self.is_terminal {
            return;
        }
        let mut table = Table::new(["WORKER", "RECORDED", "ON THE GATEWAY", "STATE"]);
        for worker in &results.workers {
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

    /// Keeps the last table on the screen. The next line is printed below it.
    pub(super) fn keep_table(&mut self) {
        self.table_lines = 0;
        self.table.clear();
    }

    /// Reports the first error of stdout.
    ///
    /// # Errors
    /// [`CliError::BrokenPipe`] or [`CliError::Stdout`].
    pub(super) fn finish(&mut self) -> Result<(), CliError> {
        match self.failure.take() {
            None => Ok(()),
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(CliError::BrokenPipe),
            Some(error) => Err(CliError::Stdout(error)),
        }
    }

    /// The control sequence that clears the table: up to its first line, then clear to the end of the screen.
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
