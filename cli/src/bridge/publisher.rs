//! What is pushed when.

use std::collections::BTreeMap;
use std::time::Duration;

use prompush::{Exposition, GroupingKey, Outbox, PushError, Registry, Source};
use prompush_gateway::clock::{Clock, SystemClock};
use prompush_gptme::receiver::Snapshot;

use super::options::Options;
use crate::error::CliError;
use crate::terminal::warn;

/// Job of the bridge's own metrics.
const OWN_JOB: &str = "prompush_bridge";

/// Pushes instances when they are due.
#[derive(Debug)]
pub(super) struct Publisher {
    outbox: Outbox,
    job: String,
    interval: Duration,
    /// The gauge `push_ttl_seconds`, if there is to be one.
    ttl: Exposition<'static>,
    own_key: GroupingKey,
    own_pushed: Option<Duration>,
    /// By label.
    instances: BTreeMap<String, Entry>,
    clock: SystemClock,
}

#[derive(Debug)]
struct Entry {
    snapshot: Snapshot,
    key: GroupingKey,
    is_changed: bool,
    /// When it was pushed last.
    pushed: Option<Duration>,
}

impl Publisher {
    pub(super) fn start(options: &Options, port: u16) -> Result<Self, CliError> {
        let own_key = GroupingKey::new(OWN_JOB)
            .and_then(|key| key.with("instance", &format!("{}:{port}", options.host)))
            .map_err(CliError::GroupingKey)?;
        Ok(Self {
            outbox: options.outbox()?,
            job: options.job.clone(),
            interval: options.interval,
            ttl: options.ttl_source(),
            own_key,
            own_pushed: None,
            instances: BTreeMap::new(),
            clock: SystemClock::new(),
        })
    }

    /// Takes note of an instance's state; one that has ended is pushed a last time, and forgotten.
    pub(super) fn note(&mut self, snapshot: Snapshot) {
        let label = snapshot.label().to_owned();
        let mut entry = match self.instances.remove(&label) {
            Some(before) => {
                Entry { is_changed: before.is_changed || snapshot.is_changed(), snapshot, ..before }
            }
            None => match key(&self.job, &snapshot) {
                Ok(key) => Entry { is_changed: snapshot.is_changed(), snapshot, key, pushed: None },
                Err(error) => {
                    log::warn!("instance {label:?} cannot be pushed: {error}");
                    return;
                }
            },
        };
        if entry.snapshot.has_ended() {
            self.push(&mut entry);
        } else {
            self.instances.insert(label, entry);
        }
    }

    /// Pushes what has changed and was not pushed for the interval or is likely to end, and the bridge's own metrics.
    pub(super) fn push_due(&mut self, own: &Registry) {
        let now = self.clock.now().monotonic;
        let is_due = |pushed: Option<Duration>| {
            pushed.is_none_or(|pushed| now.saturating_sub(pushed) >= self.interval)
        };
        let mut instances = std::mem::take(&mut self.instances);
        let is_meant = |entry: &&mut Entry| {
            entry.is_changed && (is_due(entry.pushed) || !entry.snapshot.is_connected())
        };
        for entry in instances.values_mut().filter(is_meant) {
            self.push(entry);
        }
        self.instances = instances;
        if is_due(self.own_pushed) {
            self.own_pushed = Some(now);
            self.put(&self.own_key, own);
        }
    }

    /// Pushes what has changed a last time, and waits until it has arrived.
    ///
    /// # Errors
    /// If it has not within `deadline`.
    pub(super) fn end(mut self, own: &Registry, deadline: Duration) -> Result<(), CliError> {
        let mut instances = std::mem::take(&mut self.instances);
        for entry in instances.values_mut().filter(|entry| entry.is_changed) {
            self.push(entry);
        }
        self.put(&self.own_key, own);
        match self.outbox.shutdown(deadline) {
            // Nothing is lost: the next bridge sends it.
            Err(error) if is_kept(&error) => {
                warn(&error.to_string());
                Ok(())
            }
            ended => ended.map_err(CliError::Push),
        }
    }

    fn push(&self, entry: &mut Entry) {
        entry.is_changed = false;
        entry.pushed = Some(self.clock.now().monotonic);
        self.put(&entry.key, &entry.snapshot);
    }

    fn put(&self, key: &GroupingKey, source: &dyn Source) {
        // What the gateway makes of it is the outbox's to say; here it is only put into words.
        if let Err(error) = self.outbox.push(key, &(source, &self.ttl)) {
            log::warn!("{key} cannot be pushed: {error}");
        }
    }
}

/// Whether everything that was not pushed is in the spool.
fn is_kept(error: &PushError) -> bool {
    std::iter::once(error).chain(error.others()).all(|error| error.kept_in().is_some())
}

fn key(job: &str, snapshot: &Snapshot) -> Result<GroupingKey, prompush::GroupingKeyError> {
    let pid = snapshot.process_id().map_or_else(|| "unknown".to_owned(), |pid| pid.to_string());
    let job = job.replace("{pid}", &pid).replace("{host}", snapshot.host());
    GroupingKey::new(&job)?.with("instance", snapshot.label())
}
