//! What is pushed when.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use prompush::{Exposition, GroupingKey, Outbox, PushError, Registry, Source};
use prompush_core::clock::{Clock as _, SystemClock};
use prompush_otlp::receiver::InstanceSnapshot;

use crate::bridge::options::Options;
use crate::error::CliError;
use crate::output::terminal::print_warning;

/// Job of the bridge's own metrics.
const OWN_JOB: &str = "prompush_bridge";

/// Pushes instances when they are due.
#[derive(Debug)]
pub(crate) struct Publisher {
    outbox: Outbox,
    job: String,
    interval: Duration,
    /// The gauge `push_ttl_seconds`, if there is to be one.
    ttl: Exposition<'static>,
    own_key: GroupingKey,
    own_pushed: Option<Instant>,
    /// By label.
    instances: BTreeMap<String, Entry>,
    clock: SystemClock,
}

#[derive(Debug)]
struct Entry {
    key: GroupingKey,
    /// By where it was seen: gptme-server both sends metrics and shows some.
    parts: BTreeMap<usize, Part>,
    /// Whether parts hold metrics of one name, so that they cannot be pushed together.
    is_first_part_only: bool,
    /// When it was pushed last.
    pushed: Option<Instant>,
}

#[derive(Debug)]
struct Part {
    snapshot: InstanceSnapshot,
    is_changed: bool,
}

impl Publisher {
    pub(crate) fn start(options: &Options, port: u16) -> Result<Self, CliError> {
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
            clock: SystemClock,
        })
    }

    /// Takes note of an instance's state as that receiver or scraper sees it. One that has ended for all that have seen
    /// it is pushed a last time, and forgotten.
    pub(crate) fn note(&mut self, seen_by: usize, snapshot: InstanceSnapshot) {
        let label = snapshot.label().to_owned();
        let mut entry = match self.instances.remove(&label) {
            Some(entry) => entry,
            None => match key(&self.job, &snapshot) {
                Ok(key) => Entry::new(key),
                Err(error) => {
                    log::warn!("instance {label:?} cannot be pushed: {error}");
                    return;
                }
            },
        };
        let before = entry.parts.get(&seen_by).is_some_and(|part| part.is_changed);
        let is_changed = before || snapshot.is_changed();
        entry.parts.insert(seen_by, Part { snapshot, is_changed });
        if entry.parts.values().all(|part| part.snapshot.has_ended()) {
            self.push(&mut entry);
        } else {
            self.instances.insert(label, entry);
        }
    }

    /// Pushes what has changed and was not pushed for the interval or is likely to end, and the bridge's own metrics.
    pub(crate) fn push_due(&mut self, own: &Registry) {
        let now = self.clock.now();
        let is_due = |pushed: Option<Instant>| {
            pushed.is_none_or(|pushed| now.duration_since(pushed) >= self.interval)
        };
        let mut instances = std::mem::take(&mut self.instances);
        let is_meant = |entry: &&mut Entry| {
            let mut changed = entry.parts.values().filter(|part| part.is_changed);
            changed.any(|part| is_due(entry.pushed) || part.is_last())
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
    pub(crate) fn end(mut self, own: &Registry, deadline: Duration) -> Result<(), CliError> {
        let mut instances = std::mem::take(&mut self.instances);
        let is_changed = |entry: &&mut Entry| entry.parts.values().any(|part| part.is_changed);
        for entry in instances.values_mut().filter(is_changed) {
            self.push(entry);
        }
        self.put(&self.own_key, own);
        match self.outbox.shutdown(deadline) {
            // Nothing is lost: the next bridge sends it.
            Err(error) if is_kept(&error) => {
                print_warning(&error.to_string());
                Ok(())
            }
            ended => ended.map_err(CliError::Push),
        }
    }

    fn push(&self, entry: &mut Entry) {
        entry.pushed = Some(self.clock.now());
        let parts = entry.parts.values_mut().map(|part| {
            part.is_changed = false;
            part.snapshot.clone()
        });
        let mut parts: Vec<InstanceSnapshot> = parts.collect();
        if parts.len() > 1 && !entry.is_first_part_only {
            let Err(error) = self.outbox.push(&entry.key, &(&parts, &self.ttl)) else { return };
            log::warn!("of what {} sends and shows, only the first is pushed: {error}", entry.key);
            entry.is_first_part_only = true;
        }
        parts.truncate(1);
        self.put(&entry.key, &parts);
    }

    fn put(&self, key: &GroupingKey, source: &dyn Source) {
        // What the gateway makes of it is the outbox's to say; here it is only put into words.
        if let Err(error) = self.outbox.push(key, &(source, &self.ttl)) {
            log::warn!("{key} cannot be pushed: {error}");
        }
    }
}

impl Entry {
    fn new(key: GroupingKey) -> Self {
        Self { key, parts: BTreeMap::new(), is_first_part_only: false, pushed: None }
    }
}

impl Part {
    /// Whether it is most likely its last state.
    fn is_last(&self) -> bool {
        !self.snapshot.is_connected() || self.snapshot.has_ended()
    }
}

/// Whether everything that was not pushed is in the spool.
fn is_kept(error: &PushError) -> bool {
    std::iter::once(error).chain(error.others()).all(|error| error.spooled_in().is_some())
}

fn key(job: &str, snapshot: &InstanceSnapshot) -> Result<GroupingKey, prompush::GroupingKeyError> {
    let pid = snapshot.process_id().map_or_else(|| "unknown".to_owned(), |pid| pid.to_string());
    let job = job.replace("{pid}", &pid).replace("{host}", snapshot.host());
    GroupingKey::new(&job)?.with("instance", snapshot.label())
}
