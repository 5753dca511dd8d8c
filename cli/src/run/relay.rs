//! Which signals are passed on to the command.
//!
//! The command is in this process's group. What the terminal sends goes to the whole group, so the command has it
//! already; what was sent to this process alone was meant for the command.

use std::fs;

use nix::sys::signal::Signal;

use crate::run::signals::Received;

/// Most generations between the command and a process that is taken for one of its own.
const GENERATIONS_MAX: usize = 64;

/// Whether the command is sent what this process was sent.
pub(crate) fn is_passed_on(received: Received, command: u32, is_session_leader: bool) -> bool {
    match received.sender {
        None => !is_sent_to_the_group(received.signal, is_session_leader),
        // `kill 0` in a script reaches both; what else a command sends its parent is not meant for itself.
        Some(sender) => !is_of_the_command(sender, command),
    }
}

/// Signals that the kernel sends a whole process group, as the terminal's keys, its size and its end do.
fn is_sent_to_the_group(signal: i32, is_session_leader: bool) -> bool {
    match Signal::try_from(signal) {
        Ok(
            Signal::SIGINT
            | Signal::SIGQUIT
            | Signal::SIGTSTP
            | Signal::SIGTTIN
            | Signal::SIGTTOU
            | Signal::SIGWINCH
            | Signal::SIGCONT,
        ) => true,
        // A terminal that is closed tells the session leader alone.
        Ok(Signal::SIGHUP) => !is_session_leader,
        // A timer that this process had before it became this program, as `alarm` and `exec` leave it.
        _ => false,
    }
}

/// Whether `process` is the command, or was started by it.
fn is_of_the_command(process: u32, command: u32) -> bool {
    let mut ancestors = std::iter::successors(Some(process), |process| parent(*process));
    ancestors.by_ref().take(GENERATIONS_MAX).any(|ancestor| ancestor == command)
}

/// The parent of a process, from `/proc/<pid>/stat`.
fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    parent_in(&stat)
}

/// `pid (name) state ppid …`, where the name may hold anything.
fn parent_in(stat: &str) -> Option<u32> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let parent = after_name.split_ascii_whitespace().nth(1)?.parse().ok()?;
    (parent > 0).then_some(parent)
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;

    #[test]
    fn what_the_group_was_sent_is_not_sent_twice() {
        let check = |signal: Signal, is_session_leader: bool, expected: bool| {
            let received = Received { signal: signal as i32, sender: None };
            assert_eq!(is_passed_on(received, u32::MAX, is_session_leader), expected, "{signal}");
        };
        for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTSTP, Signal::SIGWINCH] {
            check(signal, false, false);
            check(signal, true, false);
        }
        check(Signal::SIGHUP, false, false);
        check(Signal::SIGHUP, true, true);
        check(Signal::SIGALRM, false, true);
        check(Signal::SIGXCPU, false, true);
    }

    #[test]
    fn what_the_command_sends_itself_is_not_sent_back() {
        let check = |sender: u32, command: u32, expected: bool| {
            let received = Received { signal: Signal::SIGTERM as i32, sender: Some(sender) };
            assert_eq!(is_passed_on(received, command, false), expected);
        };
        let (own, parent) = (process::id(), parent(process::id()).unwrap());
        check(own, own, false);
        check(own, parent, false);
        check(parent, own, true);
        check(0, own, true);
        check(u32::MAX, own, true);
    }

    #[test]
    fn a_name_may_hold_anything() {
        assert_eq!(parent_in("12 (a) b) S 1 12 12 0 -1"), Some(1));
        assert_eq!(parent_in("1 (init) S 0 1"), None);
        assert_eq!(parent_in(""), None);
    }
}
