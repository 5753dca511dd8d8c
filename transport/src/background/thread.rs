//! The thread of one gateway, as its owner holds it.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use crate::background::group_state::Generation;
use crate::background::queue::Path;
use crate::background::shared_state::SharedState;
use crate::background::worker::Worker;
use crate::error::push_error::PushError;

/// Name of the thread of the first gateway, as debuggers and `top -H` show it; the others have a
/// number behind it.
const THREAD_NAME: &str = "prompush";

/// A gateway and its thread.
#[derive(Debug)]
pub(crate) struct GatewayThread {
    pub(crate) shared: Arc<SharedState>,
    pub(crate) handle: JoinHandle<()>,
    /// Closed when the thread ends.
    pub(crate) ended: Receiver<()>,
}

impl GatewayThread {
    pub(crate) fn start(
        at: usize,
        (shared, woken): (Arc<SharedState>, Receiver<()>),
    ) -> io::Result<Self> {
        let name = match at {
            0 => THREAD_NAME.to_owned(),
            at => format!("{THREAD_NAME}-{}", at + 1),
        };
        let worker = Worker::new(Arc::clone(&shared), woken);
        let (alive, ended) = bounded::<()>(0);
        let handle = thread::Builder::new().name(name).spawn(move || {
            worker.run();
            drop(alive);
        })?;
        Ok(Self { shared, handle, ended })
    }
}

impl GatewayThread {
    /// Why operations up to that one are not acknowledged, after keeping them in the spool, if there
    /// is one.
    pub(crate) fn failures(&self, upto: Generation, late: &str) -> Vec<PushError> {
        let errors = self.shared.errors(upto, late);
        if errors.is_empty() {
            return Vec::new();
        }
        let mut spooled: BTreeMap<Path, _> = self.shared.store().into_iter().collect();
        let errors = errors.into_iter().map(|(path, error)| match spooled.remove(&path) {
            Some(spooled) => error.with_spooled(spooled),
            None => error,
        });
        errors.collect()
    }

    /// Whether the thread ends by then.
    pub(crate) fn wait_for_end(&self, until: Instant) -> bool {
        // It sends nothing, and closes the channel when it ends.
        matches!(self.ended.recv_deadline(until), Err(RecvTimeoutError::Disconnected))
    }
}
