//! One instance: what one program has exported so far, as the samples to push.

mod absorb;
mod drops;
mod families;
mod gather;
mod streams;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use prompush::{EncodeError, Encoder, Exposition, Source};

use crate::otlp::Export;
use crate::rules::Rules;
pub(crate) use drops::Drops;
pub use drops::{DropCause, Dropped};
use families::{Families, Labels};
use streams::Streams;

/// What one program has exported so far. Each export is absorbed; what comes out is a [`Source`].
///
/// Points of one metric and one label set are summed, whatever scope or process of the program
/// they come from: counters and histograms by what they grew, gauges by the last value. A series
/// that restarts goes on from where it was.
///
/// Memory is bounded: by the samples that the [`Rules`] allow, and by the last values of 16,384
/// streams (a stream is what the program itself keeps apart, before attributes are dropped). Of a
/// stream beyond those only the first value counts.
///
/// ```
/// use std::sync::Arc;
/// use std::time::SystemTime;
/// use prompush_gptme::{Instance, Rules, otlp::Export};
///
/// let instance = Instance::new(Arc::new(Rules::default()));
/// let body: &[u8] = &[]; // what gptme has sent
/// let export = Export::decode(body, None, 16 << 20)?;
/// let absorbed = instance.absorb(&export, SystemTime::UNIX_EPOCH);
/// for dropped in &absorbed.news {
///     println!("{dropped}"); // each is named once
/// }
/// # Ok::<(), prompush_gptme::OtlpError>(())
/// ```
#[derive(Debug)]
pub struct Instance {
    rules: Arc<Rules>,
    state: Mutex<State>,
}

/// Invariant: every place in `streams` is one of `families`.
#[derive(Debug, Default)]
struct State {
    families: Families,
    streams: Streams,
    drops: Drops,
    /// The resource's attributes as labels.
    target: Labels,
    absorbed_at: Option<SystemTime>,
    revision: u64,
}

/// What became of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Absorbed {
    /// Points that are part of what is pushed.
    pub taken: usize,
    /// Points that are not, also those that a rule drops.
    pub dropped: usize,
    /// What is dropped and was not named before: at most 100 over the life of an instance.
    pub news: Vec<Dropped>,
}

impl Instance {
    /// An instance of which nothing is known yet.
    pub fn new(rules: Arc<Rules>) -> Self {
        Self { rules, state: Mutex::default() }
    }

    /// Adds an export, which came at `now`, from a program that has one sender.
    pub fn absorb(&self, export: &Export, now: SystemTime) -> Absorbed {
        self.absorb_from(0, export, now)
    }

    /// The same where a program has several senders: `sender` tells them apart, such as the
    /// number of a connection.
    ///
    /// A process that forks may go on exporting twice, its child what was there at the fork. The
    /// smaller value of another sender is no restart then, and is ignored.
    pub fn absorb_from(&self, sender: u64, export: &Export, now: SystemTime) -> Absorbed {
        let mut state = self.state();
        state.absorbed_at = Some(now);
        state.revision += 1;
        absorb::absorb(&mut state, &self.rules, sender, export)
    }

    /// How often something was absorbed: what is pushed changes only when this does.
    pub fn revision(&self) -> u64 {
        self.state().revision
    }

    /// When the last export came.
    pub fn absorbed_at(&self) -> Option<SystemTime> {
        self.state().absorbed_at
    }

    /// How many samples the program's own metrics have.
    pub fn samples(&self) -> usize {
        self.state().families.samples()
    }

    /// A panic while the state was locked leaves nothing half done that could not be pushed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Instance {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        let state = self.state();
        Exposition { families: gather::families(&state, &self.rules) }.gather(encoder)
    }
}

impl fmt::Display for Absorbed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} points taken, {} dropped", self.taken, self.dropped)
    }
}
