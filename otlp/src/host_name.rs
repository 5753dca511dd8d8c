//! The name of this machine.

/// The name of this machine, as `uname` gives it; `localhost` when it has none, and on systems
/// that are not Unix.
#[cfg(unix)]
pub fn host_name() -> String {
    let name = rustix::system::uname();
    match name.nodename().to_string_lossy() {
        empty if empty.is_empty() => "localhost".to_owned(),
        name => name.into_owned(),
    }
}

/// The name of this machine, as `uname` gives it; `localhost` when it has none, and on systems
/// that are not Unix.
#[cfg(not(unix))]
pub fn host_name() -> String {
    "localhost".to_owned()
}
