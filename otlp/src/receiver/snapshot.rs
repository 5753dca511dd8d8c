//! An instance as the receiver hands it out.

use std::fmt;
use std::sync::Arc;

use prompush::{EncodeError, Encoder, Source};

/// An instance: its label, what became of its process, and, as a [`Source`], its metrics.
///
/// The metrics of a program that sends them are those at the time of gathering. The metrics of a
/// scraped program are those of the scrape.
#[derive(Clone)]
pub struct InstanceSnapshot {
    pub(crate) label: String,
    pub(crate) host: String,
    pub(crate) process_id: Option<u32>,
    pub(crate) is_changed: bool,
    pub(crate) is_connected: bool,
    pub(crate) has_ended: bool,
    /// The source of its metrics.
    pub(crate) source: Arc<dyn Source>,
}

impl InstanceSnapshot {
    /// The value for the label `instance`, unique among the instances of a receiver.
    ///
    /// The label is the name that the user gave the instance, by `service.instance.id` or by the
    /// path of the endpoint. Otherwise it is `<host>:<process ID>`, or
    /// `<host>:started-<milliseconds since 1970>` when the process is not known.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The machine that the program runs on: the `host.name` that it exports, otherwise the name
    /// of this machine for a local client, or the client's IP address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The process ID on this machine; `None` when the process is not known.
    pub fn process_id(&self) -> Option<u32> {
        self.process_id
    }

    /// Whether the instance has sent anything since the previous call that returned snapshots.
    pub fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// Whether the instance has an open connection. Without one, the program is most likely
    /// ending, and its metrics should be pushed now.
    pub fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// Whether the process has ended. This is then the last snapshot of the instance.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }
}

impl Source for InstanceSnapshot {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        self.source.gather(encoder)
    }
}

impl fmt::Debug for InstanceSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceSnapshot")
            .field("label", &self.label)
            .field("process_id", &self.process_id)
            .field("is_changed", &self.is_changed)
            .field("has_ended", &self.has_ended)
            .finish_non_exhaustive()
    }
}
