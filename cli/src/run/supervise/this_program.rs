//! Starting this program again, as a helper process.

use std::process::Command;

/// The variable that names the file with the arguments of this process after a re-exec.
pub(super) const ARGUMENTS_VARIABLE: &str = "PROMPUSH_RUN_ARGUMENTS";

/// The file of this program. The link works even if the file was deleted or replaced.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// A command that starts this program again, without the arguments of a re-exec.
pub(super) fn this_program() -> Command {
    let mut command = Command::new(THIS_PROGRAM);
    command.env_remove(ARGUMENTS_VARIABLE);
    command
}
