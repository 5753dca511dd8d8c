//! The handle that the owner of a gateway thread holds.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use crate::background::group_state::Generation;
use crate::background::shared_state::SharedState;
use crate::background::wakeup::Wakeups;
use crate::background::worker::Worker;
use crate::error::PushError;
use crate::group_key::AnyGroupingKey;

/// The name of the first gateway's thread, as debuggers and `top -H` show it. The threads of other
/// gateways have a number after it.
const THREAD_NAME: &str = "prompush";

/// The thread of one gateway.
#[derive(Debug)]
pub(crate) struct GatewayThread {
    pub(crate) shared: Arc<SharedState>,
    pub(crate) handle: JoinHandle<()>,
    /// Disconnected when the thread has ended.
    pub(crate) ended: Receiver<()>,
}

impl GatewayThread {
    /// Starts the thread of the gateway with that number, from 0.
    pub(crate) fn start(
        gateway: usize,
        (shared, wakeups): (Arc<SharedState>, Wakeups),
    ) -> io::Result<Self> {
        let name = match gateway {
            0 => THREAD_NAME.to_owned(),
            gateway => format!("{THREAD_NAME}-{}", gateway + 1),
        };
        let worker = Worker::new(Arc::clone(&shared), wakeups);
        let (running, ended) = bounded::<()>(0);
        let handle = thread::Builder::new().name(name).spawn(move || {
            worker.run();
            drop(running);
        })?;
        Ok(Self { shared, handle, ended })
    }

    /// Writes all changes that are not acknowledged to the spool, if there is one. Returns why operations
    /// up to `upto` are not acknowledged; `late` is the cause for groups that were not attempted.
    pub(crate) fn failures(&self, upto: Generation, late: &str) -> Vec<PushError> {
        let errors = self.shared.errors(upto, late);
        if errors.is_empty() {
            return Vec::new();
        }
        let mut stored: BTreeMap<AnyGroupingKey, _> = self.shared.store().into_iter().collect();
        let errors = errors.into_iter().map(|(key, error)| match stored.remove(&key) {
            Some(stored) => error.with_spooled(stored),
            None => error,
        });
        errors.collect()
    }

    /// Waits for the end of the thread. Returns whether it has ended by `deadline`.
    pub(crate) fn wait_for_end(&self, deadline: Instant) -> bool {
        matches!(self.ended.recv_deadline(deadline), Err(RecvTimeoutError::Disconnected))
    }
}
