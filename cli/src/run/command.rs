//! Starts the command.
//!
//! Between this process and the command stands this same program, for about a millisecond: it takes back what a
//! child of ours would see, which only a process can do for itself, and becomes the command.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::process::{self, Child, Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::sys::signal::{SigSet, Signal};
use nix::unistd::execvp;
use rustix::process::{getppid, set_parent_process_death_signal};
use rustix::stdio::{dup2_stdin, dup2_stdout};

use crate::error::CliError;
use crate::output::terminal::print_error;
use crate::run::hiding::ARGUMENTS_VARIABLE;
use crate::run::inherited::Inherited;
use crate::run::witness::{STAND_BY, stand_by};

/// Stands in place of a subcommand when this program is to become another.
const BECOME: &str = "become";
/// This program, even if its file is gone.
pub(crate) const THIS_PROGRAM: &str = "/proc/self/exe";

/// Starts `command` with the terminal, files and environment of this process, some `variables` more, and the signals
/// that this process has `inherited`.
///
/// # Errors
/// If no process can be started. A command that cannot be run says so itself, and ends as in a shell.
pub(crate) fn spawn(
    command: &[OsString],
    variables: &[(&str, OsString)],
    inherited: Inherited,
) -> Result<Child, CliError> {
    let mut child = Command::new(THIS_PROGRAM);
    child.arg(BECOME).arg(process::id().to_string()).args(inherited.to_arguments()).args(command);
    child.env_remove(ARGUMENTS_VARIABLE).envs(variables.iter().map(|(name, value)| (*name, value)));
    child.spawn().map_err(|error| CliError::System("start a process", error))
}

/// Becomes the command, or stands by, if this process was started for that; gives its exit code.
pub(crate) fn become_if_told() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next()? {
        first if first == STAND_BY => return Some(stand_by()),
        first if first != BECOME => return None,
        _ => {}
    }
    let parent = arguments.next()?.into_string().ok()?.parse().ok()?;
    let inherited = Inherited::from_arguments(&mut arguments)?;
    let error = turn_into(arguments.collect(), parent, inherited);
    print_error(&error);
    Some(ExitCode::from(error.exit_code()))
}

/// Turns this process into `command`; returns only if that fails.
fn turn_into(command: Vec<OsString>, parent: i32, inherited: Inherited) -> CliError {
    // A wrapper that is killed takes the command along, as whoever kills it means it.
    set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).ok(); // a kernel without it is none of ours
    if getppid().is_none_or(|pid| pid.as_raw_nonzero().get() != parent) {
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
        // Rust ignores SIGPIPE in its programs. What is handled is back at its default after an `exec`.
        signal_hook::flag::register(Signal::SIGPIPE as i32, Arc::new(AtomicBool::new(false))).ok();
    }
    let blocked: SigSet = inherited.blocked().collect();
    blocked.thread_set_mask().ok(); // no signal in it is invalid
    match execvp(path, &arguments) {
        Ok(never) => match never {},
        Err(errno) => not_run(&program, errno.into()),
    }
}

fn not_run(program: &OsStr, source: io::Error) -> CliError {
    let program = String::from_utf8_lossy(program.as_bytes()).into_owned();
    CliError::CommandNotRun { program, source }
}

/// Lets go of stdin and stdout, so that what reads or writes them sees the command's end, and not that of the push.
///
/// # Errors
/// If there is no `/dev/null`.
pub(crate) fn release_stdio() -> io::Result<()> {
    let nothing = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&nothing)?;
    dup2_stdout(&nothing)?;
    Ok(())
}
