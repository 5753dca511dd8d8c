//! Decides which signals are forwarded to the command.
//!
//! The command is in the process group of this process. A signal that the terminal sends reaches the whole group, so
//! the command has received it already. A signal that was sent to this process alone was meant for the command.

use nix::sys::signal::Signal;

use crate::process_status;
use crate::run::supervise::signal_queue::ReceivedSignal;

/// Limit to the number of parents that are followed from a process up to the command.
const GENERATIONS_MAX: usize = 64;

/// Whether this process forwards a signal that it received to the command.
pub(super) fn is_forwarded(
    received: ReceivedSignal,
    command: u32,
    is_session_leader: bool,
) -> bool {
    match received.sender {
        None => !is_sent_to_the_group(received.signal, is_session_leader),
        // `kill 0` in a script reaches the script and this process. Any other signal that the command sends to its
        // parent is not meant for the command itself.
        Some(sender) => !is_of_the_command(sender, command),
    }
}

/// Whether the kernel sends this signal to a whole process group: for a key of the terminal, for its new size, and
/// when it closes.
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
        // When a terminal closes, the kernel tells the session leader alone.
        Ok(Signal::SIGHUP) => !is_session_leader,
        // A timer that was set before this program was executed in its process: `alarm`, then `exec`.
        _ => false,
    }
}

/// Whether `process` is the command or one of its descendants.
fn is_of_the_command(process: u32, command: u32) -> bool {
    let mut ancestors =
        std::iter::successors(Some(process), |process| process_status::parent(*process));
    ancestors.by_ref().take(GENERATIONS_MAX).any(|ancestor| ancestor == command)
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;

    #[test]
    fn what_the_group_was_sent_is_not_sent_twice() {
        let check = |signal: Signal, is_session_leader: bool, expected: bool| {
            let received = ReceivedSignal { signal: signal as i32, sender: None };
            assert_eq!(is_forwarded(received, u32::MAX, is_session_leader), expected, "{signal}");
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
            let received = ReceivedSignal { signal: Signal::SIGTERM as i32, sender: Some(sender) };
            assert_eq!(is_forwarded(received, command, false), expected);
        };
        let (own, parent) =
            (process::id(), process_status::parent(process::id()).expect("a parent"));
        check(own, own, false);
        check(own, parent, false);
        check(parent, own, true);
        check(0, own, true);
        check(u32::MAX, own, true);
    }
}
