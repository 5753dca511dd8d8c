//! An instance: exports in, families out.

use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use prompush::{EncodeError, Encoder, Exposition, Source};

use crate::decode::Export;
use crate::instance::gather;
use crate::instance::ingest::{self, Ingested};
use crate::instance::state::InstanceState;
use crate::rules::Rules;

/// The metrics of one program. An instance ingests exports, and is a [`Source`] of the totals.
///
/// Points with the same metric and the same labels are summed, whatever scope or process of the
/// program they come from: counters and histograms by their growth, gauges by their last value.
/// A series that restarts continues from its last value.
///
/// Memory is bounded by the samples that the [`Rules`] allow, and by the last values of 16,384
/// streams. A stream is a series as the program sends it, before rules drop attributes. Of each
/// stream beyond that limit, only the first value counts.
///
/// ```
/// use std::sync::Arc;
/// use std::time::SystemTime;
/// use prompush_otlp::{Export, Instance, Rules};
///
/// let instance = Instance::new(Arc::new(Rules::default()));
/// let body: &[u8] = &[]; // the body of a `POST /v1/metrics`
/// let export = Export::decode(body)?;
/// let ingested = instance.ingest(&export, SystemTime::UNIX_EPOCH);
/// for notice in &ingested.notices {
///     println!("{notice}"); // each at most once
/// }
/// # Ok::<(), prompush_otlp::DecodeError>(())
/// ```
#[derive(Debug)]
pub struct Instance {
    rules: Arc<Rules>,
    state: Mutex<InstanceState>,
}

impl Instance {
    /// Creates an instance that has exported nothing yet.
    pub fn new(rules: Arc<Rules>) -> Self {
        Self { rules, state: Mutex::default() }
    }

    /// Ingests an export that arrived at `now`, from a program with a single sender.
    pub fn ingest(&self, export: &Export, now: SystemTime) -> Ingested {
        self.ingest_from(0, export, now)
    }

    /// Ingests an export from a program with several senders. `sender` tells the senders apart;
    /// the number of the connection will do.
    ///
    /// A process that forks may export twice from then on, because the child repeats what was
    /// there at the fork. A smaller value from another sender is therefore ignored instead of
    /// being taken for a restart.
    pub fn ingest_from(&self, sender: u64, export: &Export, now: SystemTime) -> Ingested {
        let mut state = self.state.lock();
        state.last_export_at = Some(now);
        state.revision += 1;
        ingest::ingest(&mut state, &self.rules, sender, export)
    }

    /// The number of exports ingested. The metrics change only when this number does.
    pub fn revision(&self) -> u64 {
        self.state.lock().revision
    }

    /// When the last export arrived; `None` before the first one.
    pub fn last_export_at(&self) -> Option<SystemTime> {
        self.state.lock().last_export_at
    }

    /// How many samples the program's own metrics have.
    pub fn samples(&self) -> usize {
        self.state.lock().families.samples()
    }
}

impl Source for Instance {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        let state = self.state.lock();
        Exposition { families: gather::families(&state, &self.rules) }.gather(encoder)
    }
}
