//! Processes that cannot see their session, their group and their parent, as in a container.

use std::process::{Command, Stdio};

use crate::{binaries, wrap};

/// Makes `command` the first process of a PID namespace of its own. The namespace needs Linux, `unshare`, and root or
/// user namespaces. When the machine does not allow the namespace, returns `None` and prints that the test is skipped.
///
/// # Panics
///
/// When the machine does not allow the namespace and `CI=true`.
#[track_caller]
pub fn in_pid_namespace(command: &Command) -> Option<Command> {
    for mapping in [&[][..], &["--map-root-user"]] {
        let unshare = |inner: &Command| {
            let mut outer = Command::new("unshare");
            outer.args(["--pid", "--fork"]).args(mapping);
            wrap(outer, inner)
        };
        let mut trial = unshare(&Command::new("true"));
        trial.stdin(Stdio::null()).stderr(Stdio::null());
        if trial.status().is_ok_and(|status| status.success()) {
            return Some(unshare(command));
        }
    }
    binaries::skip_or_fail("a PID namespace is not allowed (root, or user namespaces)");
    None
}
