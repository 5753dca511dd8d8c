//! Which steps passed.

use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::process;

/// Counts the steps and prints each as it ends.
#[derive(Debug, Default)]
pub(super) struct Report {
    passed: usize,
    failed: usize,
}

impl Report {
    /// Performs a step; its error is counted, named after the step, and passed on.
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

    /// Shows why nothing follows, which counts as a failure where it is none of a step.
    pub(super) fn stopped(&mut self, error: &anyhow::Error) {
        eprintln!("error: {error:#}");
        self.failed = self.failed.max(1);
    }

    /// Whether every step passed.
    pub(super) fn all_passed(&self) -> bool {
        self.failed == 0
    }

    /// The last line of the task.
    pub(super) fn summary(&self) -> String {
        format!("{} passed, {} failed", self.passed, self.failed)
    }
}
