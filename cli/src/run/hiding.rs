//! Takes the command out of this process's own command line.
//!
//! gptme looks through the command lines of all processes for other agents, and would take `prompush run -- …/gptme`
//! for one. So this process starts itself anew in its place, with a command line that shows the command's name only,
//! and hands the arguments over in a file in memory.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use nix::unistd::{close, execve};
use rustix::fs::{MemfdFlags, memfd_create};

/// Where the arguments are, for the process that takes over.
pub(crate) const ARGUMENTS_VARIABLE: &str = "PROMPUSH_RUN_ARGUMENTS";
/// Name of the file in memory.
const FILE_NAME: &str = "prompush-run";
/// Open files of a process, by number.
const FILES: &str = "/proc/self/fd/";

/// Starts this process anew, unless it was already; returns only if that cannot be done, and then nothing is lost.
pub(crate) fn hide(command: &[OsString]) {
    let shows_a_path = command.iter().any(|word| word.as_bytes().contains(&b'/'));
    if !shows_a_path || std::env::var_os(ARGUMENTS_VARIABLE).is_some() {
        return;
    }
    let name = command.first().and_then(|program| Path::new(program).file_name());
    let Err(_) = start_anew(name.unwrap_or_default()); // a warning of gptme's more is all that comes of it
}

fn start_anew(name: &OsStr) -> io::Result<Infallible> {
    let arguments: Vec<Vec<u8>> = std::env::args_os().map(OsString::into_vec).collect();
    let mut file = File::from(memfd_create(FILE_NAME, MemfdFlags::empty())?);
    file.write_all(&arguments.join(&0))?;
    let place = format!("{ARGUMENTS_VARIABLE}={FILES}{}", file.as_raw_fd());
    let environment =
        std::env::vars_os().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat());
    let environment = c_strings(environment.chain([place.into_bytes()]))?;
    let program = arguments.into_iter().next().unwrap_or_default();
    let shown = [program, b"run".to_vec(), b"--".to_vec(), name.as_bytes().to_vec()];
    let path = std::env::current_exe()?.into_os_string().into_vec();
    Ok(execve(&CString::new(path)?, &c_strings(shown)?, &environment)?)
}

fn c_strings(words: impl IntoIterator<Item = Vec<u8>>) -> io::Result<Vec<CString>> {
    let words: Result<_, _> = words.into_iter().map(CString::new).collect();
    words.map_err(io::Error::from)
}

/// The arguments that this process was handed over, if it was started in place of itself.
pub(crate) fn handed_over() -> Option<Vec<OsString>> {
    let path = std::env::var_os(ARGUMENTS_VARIABLE)?;
    let number: i32 = path.to_str()?.strip_prefix(FILES)?.parse().ok()?;
    // The variable alone proves nothing: anybody may set it.
    let target = fs::read_link(&path).ok()?;
    if !target.as_os_str().as_bytes().starts_with(format!("/memfd:{FILE_NAME}").as_bytes()) {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(&path).ok()?.read_to_end(&mut bytes).ok()?;
    close(number).ok(); // the command is not to inherit it
    Some(bytes.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect())
}
