//! The signals that end a bridge.

use std::process;

use crossbeam_channel::{Receiver, bounded};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::error::CliError;
use crate::process_status;
use crate::signals::{SignalThread, end_process_by};

/// Waits for SIGINT, SIGTERM and SIGHUP. The first signal asks the bridge to end; a second one ends the process at
/// once.
#[derive(Debug)]
pub(crate) struct EndingSignals {
    received: Receiver<i32>,
    _thread: SignalThread,
}

impl EndingSignals {
    /// Starts to wait for the signals.
    ///
    /// # Errors
    /// [`CliError::System`] if no thread can be started.
    pub(crate) fn start() -> Result<Self, CliError> {
        let mut signals = vec![SIGINT, SIGTERM, SIGHUP];
        // `nohup` makes a program ignore SIGHUP, so that the program outlives its terminal.
        signals.retain(|signal| !process_status::is_signal_ignored(process::id(), *signal));
        let (sender, received) = bounded(1);
        let mut is_second = false;
        let thread = SignalThread::start(&signals, move |signal| {
            if std::mem::replace(&mut is_second, true) {
                end_process_by(signal);
            }
            sender.try_send(signal).ok(); // the channel has room for the first signal
        })?;
        Ok(Self { received, _thread: thread })
    }

    /// Receives the first signal.
    pub(crate) fn received(&self) -> &Receiver<i32> {
        &self.received
    }
}
