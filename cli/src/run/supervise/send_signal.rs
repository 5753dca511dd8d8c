//! Sending a signal to a process.

use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Sends a signal to the command or to this process.
///
/// The command has not been waited for, so its process ID still belongs to it. A signal that cannot be sent is
/// dropped: the command may have become another user's process, and that user's processes are not ours to signal.
pub(super) fn send_signal(process_id: Pid, signal: i32) {
    if let Some(signal) = Signal::from_named_raw(signal) {
        kill_process(process_id, signal).ok(); // see above
        return;
    }
    // `rustix` sends named signals only, and real-time signals have no names: `kill` of the shell sends them.
    let mut kill = Command::new("/bin/sh");
    kill.args(["-c", "kill -\"$0\" \"$1\""]);
    kill.args([signal.to_string(), process_id.as_raw_nonzero().to_string()]);
    kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    kill.status().ok(); // a system without a shell loses real-time signals
}
