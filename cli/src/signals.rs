//! Waits for signals on a thread.

use std::io;
use std::thread::{self, JoinHandle};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::error::CliError;

/// The signals of Ctrl-C and of `kill`.
pub(crate) const ENDING: [i32; 2] = [SIGINT, SIGTERM];

/// A thread that calls a function at each signal. Dropping this value stops the thread.
#[derive(Debug)]
pub(crate) struct SignalThread {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl SignalThread {
    /// Starts the thread. From now on the signals no longer end the process: they call `on_signal`.
    ///
    /// # Errors
    /// [`CliError::System`] if no handler can be installed or no thread can be started.
    pub(crate) fn start(
        signals: &[i32],
        mut on_signal: impl FnMut(i32) + Send + 'static,
    ) -> Result<Self, CliError> {
        let failed = |error: io::Error| CliError::System("wait for signals", error);
        let mut signals = Signals::new(signals).map_err(failed)?;
        let handle = signals.handle();
        let thread = thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                on_signal(signal);
            }
        });
        Ok(Self { handle, thread: Some(thread.map_err(failed)?) })
    }
}

/// Ends this process with the default action of `signal`.
pub(crate) fn end_process_by(signal: i32) {
    // This fails only for a number that is no signal.
    signal_hook::low_level::emulate_default_handler(signal).ok();
}

impl Drop for SignalThread {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
