//! Starts this process again with a command line that does not show the arguments of the command.
//!
//! gptme reads the command lines of all processes to find other running agents, and would take
//! `prompush run -- …/gptme` for one. So this process executes itself again. The new command line shows the name of the
//! command only. The arguments are handed over in a file in memory, and an environment variable names the file.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use nix::unistd::{close, execve};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::run::supervise::this_program::ARGUMENTS_VARIABLE;

/// Name of the file in memory.
const FILE_NAME: &str = "prompush-run";
/// The folder of the open files of this process, by number.
const FILES: &str = "/proc/self/fd/";

/// Executes this process again, unless that has happened already or the command line shows no path.
///
/// Returns only if the process was not executed again. That does no harm: gptme then prints a warning about another
/// agent.
pub(crate) fn hide_arguments(command: &[OsString]) {
    let shows_a_path = command.iter().any(|word| word.as_bytes().contains(&b'/'));
    if !shows_a_path || std::env::var_os(ARGUMENTS_VARIABLE).is_some() {
        return;
    }
    let name = command.first().and_then(|program| Path::new(program).file_name());
    let Err(_) = reexec(name.unwrap_or_default()); // see above
}

fn reexec(name: &OsStr) -> io::Result<Infallible> {
    let arguments: Vec<Vec<u8>> = std::env::args_os().map(OsString::into_vec).collect();
    let mut file = File::from(memfd_create(FILE_NAME, MemfdFlags::empty())?);
    file.write_all(&arguments.join(&0))?;
    let variable = format!("{ARGUMENTS_VARIABLE}={FILES}{}", file.as_raw_fd());
    let environment =
        std::env::vars_os().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat());
    let environment = c_strings(environment.chain([variable.into_bytes()]))?;
    let program = arguments.into_iter().next().unwrap_or_default();
    let shown_arguments = [program, b"run".to_vec(), b"--".to_vec(), name.as_bytes().to_vec()];
    let path = std::env::current_exe()?.into_os_string().into_vec();
    Ok(execve(&CString::new(path)?, &c_strings(shown_arguments)?, &environment)?)
}

fn c_strings(strings: impl IntoIterator<Item = Vec<u8>>) -> io::Result<Vec<CString>> {
    let strings: Result<_, _> = strings.into_iter().map(CString::new).collect();
    strings.map_err(io::Error::from)
}

/// The arguments that this process had before it executed itself again; nothing if it has not.
pub(crate) fn arguments_before_reexec() -> Option<Vec<OsString>> {
    let path = std::env::var_os(ARGUMENTS_VARIABLE)?;
    let number: i32 = path.to_str()?.strip_prefix(FILES)?.parse().ok()?;
    // The variable alone proves nothing, because anybody can set it: the file must be the one in memory.
    let file = fs::read_link(&path).ok()?;
    if !file.as_os_str().as_bytes().starts_with(format!("/memfd:{FILE_NAME}").as_bytes()) {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(&path).ok()?.read_to_end(&mut bytes).ok()?;
    close(number).ok(); // the command must not inherit the file
    Some(
        bytes
            .split(|byte| *byte == 0)
            .map(|argument| OsString::from_vec(argument.to_vec()))
            .collect(),
    )
}
