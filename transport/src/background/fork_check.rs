//! Detects a `fork`: the threads stay in the parent process, so the child refuses to wait for
//! them.

use std::process;

/// The process in which the threads of an outbox run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadsProcess(u32);

impl ThreadsProcess {
    /// This process.
    pub(crate) fn current() -> Self {
        Self(process::id())
    }

    /// Checks that this is the process in which the threads run. Waiting for a thread after a `fork`
    /// would never end.
    ///
    /// # Errors
    ///
    /// A text that names the process.
    pub(crate) fn check(self) -> Result<(), String> {
        if self.0 == process::id() {
            return Ok(());
        }
        Err(format!("it was started by process {}", self.0))
    }

    /// A process that is not this one, as the parent is in the child of a `fork`.
    #[cfg(test)]
    pub(crate) fn other() -> Self {
        Self(process::id().wrapping_add(1))
    }
}
