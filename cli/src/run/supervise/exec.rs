//! Starts the command.
//!
//! The command must see the signal settings that this process inherited, and only a process itself can restore them.
//! So this process starts a helper, which is this same program: the helper restores the settings, and then replaces
//! itself with the command. The helper exists for about a millisecond.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::process::{self, Child, ExitCode};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::sys::signal::{SigSet, Signal};
use nix::unistd::execvp;
use rustix::process::{getppid, set_parent_process_death_signal};
use rustix::stdio::{dup2_stdin, dup2_stdout};

use crate::error::CliError;
use crate::output::terminal::print_error;
use crate::run::supervise::inherited_signals::InheritedSignals;
use crate::run::supervise::this_program::this_program;

/// The first argument of the helper. The process ID of the wrapper, two numbers of [`InheritedSignals`], and the
/// command follow.
pub(super) const EXEC_HELPER: &str = "exec-command";

/// Starts `command` with `variables` added to the environment, and with the signal settings `inherited`.
///
/// # Errors
/// [`CliError::System`] if no process can be started. If the command cannot be executed, the helper prints the error.
pub(super) fn spawn(
    command: &[OsString],
    variables: &[(&str, OsString)],
    inherited: InheritedSignals,
) -> Result<Child, CliError> {
    let mut helper = this_program();
    helper.arg(EXEC_HELPER).arg(process::id().to_string());
    helper.args(inherited.to_arguments()).args(command);
    helper.envs(variables.iter().map(|(name, value)| (*name, value)));
    helper.spawn().map_err(|error| CliError::System("start a process", error))
}

/// The work of the helper: replaces this process with the command. Returns the exit code if that fails, and nothing if
/// the arguments are not those of a helper.
pub(super) fn exec_command(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let wrapper = arguments.next()?.into_string().ok()?.parse().ok()?;
    let inherited = InheritedSignals::from_arguments(&mut arguments)?;
    let error = exec(arguments.collect(), wrapper, inherited);
    print_error(&error);
    Some(ExitCode::from(error.exit_code()))
}

/// Replaces this process with `command`. Returns only if that fails.
fn exec(command: Vec<OsString>, wrapper: i32, inherited: InheritedSignals) -> CliError {
    // SIGKILL of the wrapper must kill the command as well: nobody else would. The setting survives `execvp`.
    set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).ok(); // very old kernels lack it
    if getppid().is_none_or(|parent| parent.as_raw_nonzero().get() != wrapper) {
        // The wrapper was killed before the setting took effect.
        return CliError::Interrupted { signal: Signal::SIGKILL as i32 };
    }
    let program = command.first().cloned().unwrap_or_default();
    let arguments: Result<Vec<CString>, _> =
        command.into_iter().map(|argument| CString::new(argument.into_vec())).collect();
    let Ok(arguments) = arguments else {
        return not_run(&program, io::ErrorKind::InvalidInput.into());
    };
    let Some(path) = arguments.first() else {
        return not_run(&program, io::ErrorKind::NotFound.into());
    };
    if !inherited.is_pipe_ignored {
        // Rust ignores SIGPIPE in its programs. `execvp` sets every handled signal to its default action, so a handler
        // here means the default action for the command.
        let flag = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(Signal::SIGPIPE as i32, flag).ok(); // SIGPIPE can be handled
    }
    let blocked: SigSet = inherited.blocked().collect();
    blocked.thread_set_mask().ok(); // the call fails only for an invalid set
    match execvp(path, &arguments) {
        Ok(never) => match never {},
        Err(errno) => not_run(&program, errno.into()),
    }
}

fn not_run(program: &OsStr, source: io::Error) -> CliError {
    let program = String::from_utf8_lossy(program.as_bytes()).into_owned();
    CliError::CommandNotRun { program, source }
}

/// Connects stdin and stdout of this process to `/dev/null`.
///
/// A program that reads the output of the command then sees the end of the output when the command ends, and not only
/// after the last push.
///
/// # Errors
/// If `/dev/null` cannot be opened.
pub(super) fn release_stdio() -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    Ok(())
}
