//! An instance as the receiver hands it out.

use std::fmt;
use std::sync::Arc;

use prompush::{EncodeError, Encoder, Source};

/// An instance: what it is called, what became of it, and, as a [`Source`], its metrics.
///
/// The metrics of a program that sends them are those of the moment when they are gathered, not when the snapshot was taken.
#[derive(Clone)]
pub struct Snapshot {
    pub(super) label: String,
    pub(super) host: String,
    pub(super) process_id: Option<u32>,
    pub(super) is_changed: bool,
    pub(super) is_connected: bool,
    pub(super) has_ended: bool,
    /// Where its metrics come from.
    pub(super) source: Arc<dyn Source>,
}

impl Snapshot {
    /// What to call it: the value of a label `instance`. No two that a receiver knows have the same.
    ///
    /// It is what the user calls the instance (`service.instance.id`, or the path in `OTLP_ENDPOINT`);
    /// else `<host>:<process ID>`; else, where the process cannot be told, `<host>:started-<milliseconds since 1970>`.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The machine it runs on: what its exports say, else the name of this machine, or the client's address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its process ID on this machine, where it can be told.
    pub fn process_id(&self) -> Option<u32> {
        self.process_id
    }

    /// Whether it has sent anything since the last time that the instances were asked for.
    pub fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// Whether it has a connection. One that has none is most likely ending: what it sent last is to be pushed.
    pub fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// Whether its process has ended. It is not handed out again.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }
}

impl Source for Snapshot {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        self.source.gather(encoder)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("label", &self.label)
            .field("process_id", &self.process_id)
            .field("is_changed", &self.is_changed)
            .field("has_ended", &self.has_ended)
            .finish_non_exhaustive()
    }
}
