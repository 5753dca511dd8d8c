//! Processes whose session, group and parent are outside of what they see, as in a container.

use std::process::{Command, Stdio};

use crate::binaries;

/// `command` as the first process of a PID namespace of its own, which takes Linux, `unshare`, and root or user
/// namespaces; nothing where that is not allowed, and a line on stderr says that the test is skipped.
///
/// # Panics
///
/// Where it is not allowed and `CI=true`.
#[track_caller]
pub fn in_pid_namespace(command: &Command) -> Option<Command> {
    for mapping in [&[][..], &["--map-root-user"]] {
        let unshare = |program: &std::ffi::OsStr| {
            let mut command = Command::new("unshare");
            command.args(["--pid", "--fork"]).args(mapping).arg(program);
            command
        };
        let mut trial = unshare("true".as_ref());
        trial.stdin(Stdio::null()).stderr(Stdio::null());
        if trial.status().is_ok_and(|status| status.success()) {
            let mut inside = unshare(command.get_program());
            inside.args(command.get_args());
            for (name, value) in command.get_envs() {
                match value {
                    Some(value) => inside.env(name, value),
                    None => inside.env_remove(name),
                };
            }
            return Some(inside);
        }
    }
    binaries::skip_or_fail("a PID namespace is not allowed (root, or user namespaces)");
    None
}
