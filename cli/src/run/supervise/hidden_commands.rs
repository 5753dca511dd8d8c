//! The hidden commands of the supervision: this program, started as a helper process.

use std::process::ExitCode;

use crate::run::supervise::exec::{EXEC_HELPER, exec_command};
use crate::run::supervise::group_probe::{PROBE_HELPER, wait_for_signal};

/// Does the work of a helper if this process was started as one, and returns the exit code of the helper.
pub(crate) fn run_hidden_command() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next()? {
        first if first == PROBE_HELPER => Some(wait_for_signal()),
        first if first == EXEC_HELPER => exec_command(arguments),
        _ => None,
    }
}
