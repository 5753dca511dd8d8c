//! Signals, waited for by a thread.

use std::io;
use std::thread::{self, JoinHandle};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::error::CliError;

/// What ends a program by hand: Ctrl-C, and `kill`.
pub(crate) const ENDING: [i32; 2] = [SIGINT, SIGTERM];

/// Calls back at each signal, until it is dropped.
#[derive(Debug)]
pub(crate) struct SignalThread {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl SignalThread {
    /// From now on these signals do not end the process, but call `on_signal`.
    ///
    /// # Errors
    /// If the system allows no handler or no thread.
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

/// Ends this process as the signal does where nobody handles it.
pub(crate) fn die_by(signal: i32) {
    // It fails only for what is no signal.
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
