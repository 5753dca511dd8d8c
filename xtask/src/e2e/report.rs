//! The results of the steps.

use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::process;

/// Counts the steps, and prints each step when it ends.
#[derive(Debug, Default)]
pub(super) struct Report {
    passed: usize,
    failed: usize,
}

impl Report {
    /// Runs a step, counts and prints its result, and returns the error with the name of the step.
    pub(super) fn step<T>(&mut self, name: &str, action: impl FnOnce() -> Result<T>) -> Result<T> {
        let start: Instant = process::now();
        let result = action();
        let seconds = process::now().duration_since(start).as_secs_f64();
        if result.is_ok() {
            self.passed += 1;
            println!("passed  {name} ({seconds:.1} s)");
        } else {
            self.failed += 1;
            println!("FAILED  {name} ({seconds:.1} s)");
        }
        result.with_context(|| format!("step `{name}` failed"))
    }

    /// Prints the error that ended a part of the run. The run has failed even if the error came from no step.
    pub(super) fn stopped(&mut self, error: &anyhow::Error) {
        eprintln!("error: {error:#}");
        self.failed = self.failed.max(1);
    }

    /// Whether every step passed.
    pub(super) fn all_passed(&self) -> bool {
        self.failed == 0
    }

    /// The last line of the run.
    pub(super) fn summary(&self) -> String {
        format!("{} passed, {} failed", self.passed, self.failed)
    }
}
