//! A command as the arguments of another command.

use std::process::Command;

/// Appends the program and the arguments of `inner` to the arguments of `outer`, and makes the changes of `inner` to
/// the environment in `outer` too.
pub fn wrap(mut outer: Command, inner: &Command) -> Command {
    outer.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}
