//! Decides which instances are pushed when.
//!
//! Nothing here knows the command line: a program that receives OTLP itself would decide in the same way.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use prompush::{Exposition, GroupingKey, GroupingKeyError, Outbox, PushError, Registry, Source};
use prompush_core::clock::{Clock as _, SystemClock};
use prompush_otlp::receiver::InstanceSnapshot;

/// The settings of a publisher.
#[derive(Debug)]
pub(crate) struct PublisherConfig {
    pub(crate) outbox: Outbox,
    /// The job of every instance. `{pid}` and `{host}` are placeholders.
    pub(crate) job: String,
    /// Time between two pushes of an instance.
    pub(crate) interval: Duration,
    /// The gauge `push_ttl_seconds`, which is pushed with every group. Empty without a TTL.
    pub(crate) ttl: Exposition<'static>,
    /// The group of the metrics of the receiver.
    pub(crate) own_key: GroupingKey,
}

/// Pushes each instance to a group of its own.
#[derive(Debug)]
pub(crate) struct Publisher {
    config: PublisherConfig,
    own_pushed: Option<Instant>,
    /// The instances that have not ended, by their label `instance`.
    instances: BTreeMap<String, PublishedInstance>,
    clock: SystemClock,
}

/// An instance, with its last state from each source.
#[derive(Debug)]
struct PublishedInstance {
    key: GroupingKey,
    /// The states by their sources: gptme-server both exports metrics and serves some.
    states: BTreeMap<usize, SourceState>,
    /// Whether two sources have a metric of the same name. Then only the first source is pushed.
    is_first_source_only: bool,
    /// The time of the last push.
    pushed: Option<Instant>,
}

#[derive(Debug)]
struct SourceState {
    snapshot: InstanceSnapshot,
    /// Whether the state has changed since the last push.
    is_changed: bool,
}

impl Publisher {
    pub(crate) fn new(config: PublisherConfig) -> Self {
        Self { config, own_pushed: None, instances: BTreeMap::new(), clock: SystemClock }
    }

    /// Stores the state of an instance as `source`, a receiver or a scraper, sees it.
    ///
    /// An instance that has ended for each of its sources is pushed a last time and forgotten.
    pub(crate) fn update(&mut self, source: usize, snapshot: InstanceSnapshot) {
        let label = snapshot.label().to_owned();
        let mut instance = match self.instances.remove(&label) {
            Some(instance) => instance,
            None => match grouping_key(&self.config.job, &snapshot) {
                Ok(key) => PublishedInstance::new(key),
                Err(error) => {
                    log::warn!("instance {label:?} cannot be pushed: {error}");
                    return;
                }
            },
        };
        let was_changed = instance.states.get(&source).is_some_and(|state| state.is_changed);
        let is_changed = was_changed || snapshot.is_changed();
        instance.states.insert(source, SourceState { snapshot, is_changed });
        if instance.states.values().all(|state| state.snapshot.has_ended()) {
            self.push(&mut instance);
        } else {
            self.instances.insert(label, instance);
        }
    }

    /// Pushes each instance that has changed, if the interval is over or the instance is about to end. Pushes the
    /// metrics of the receiver, `own`, at every interval.
    pub(crate) fn push_due(&mut self, own: &Registry) {
        let now = self.clock.now();
        let is_due = |pushed: Option<Instant>| {
            pushed.is_none_or(|pushed| now.duration_since(pushed) >= self.config.interval)
        };
        let mut instances = std::mem::take(&mut self.instances);
        let is_pushed_now = |instance: &&mut PublishedInstance| {
            let mut changed = instance.states.values().filter(|state| state.is_changed);
            changed.any(|state| is_due(instance.pushed) || state.is_probably_last())
        };
        for instance in instances.values_mut().filter(is_pushed_now) {
            self.push(instance);
        }
        self.instances = instances;
        if is_due(self.own_pushed) {
            self.own_pushed = Some(now);
            self.push_group(&self.config.own_key, own);
        }
    }

    /// Pushes each instance that has changed since its last push, and waits until the gateways have acknowledged.
    ///
    /// # Errors
    /// [`PushError`] if a gateway has not acknowledged within `deadline`.
    pub(crate) fn finish(mut self, own: &Registry, deadline: Duration) -> Result<(), PushError> {
        let mut instances = std::mem::take(&mut self.instances);
        for instance in instances.values_mut() {
            if instance.states.values().any(|state| state.is_changed) {
                self.push(instance);
            }
        }
        self.push_group(&self.config.own_key, own);
        self.config.outbox.shutdown(deadline)
    }

    fn push(&self, instance: &mut PublishedInstance) {
        instance.pushed = Some(self.clock.now());
        let states = instance.states.values_mut().map(|state| {
            state.is_changed = false;
            state.snapshot.clone()
        });
        let mut states: Vec<InstanceSnapshot> = states.collect();
        if states.len() > 1 && !instance.is_first_source_only {
            let families = (&states, &self.config.ttl);
            let Err(error) = self.config.outbox.push(&instance.key, &families) else { return };
            let key = &instance.key;
            log::warn!(
                "{key} has the same metric from two sources, so only the first source is pushed: {error}"
            );
            instance.is_first_source_only = true;
        }
        states.truncate(1);
        self.push_group(&instance.key, &states);
    }

    fn push_group(&self, key: &GroupingKey, families: &dyn Source) {
        // An error here means that the metrics cannot be encoded. The outbox reports errors of the gateway itself.
        if let Err(error) = self.config.outbox.push(key, &(families, &self.config.ttl)) {
            log::warn!("{key} cannot be pushed: {error}");
        }
    }
}

impl PublishedInstance {
    fn new(key: GroupingKey) -> Self {
        Self { key, states: BTreeMap::new(), is_first_source_only: false, pushed: None }
    }
}

impl SourceState {
    /// Whether no further state is likely to follow.
    fn is_probably_last(&self) -> bool {
        !self.snapshot.is_connected() || self.snapshot.has_ended()
    }
}

/// The group of an instance.
fn grouping_key(job: &str, snapshot: &InstanceSnapshot) -> Result<GroupingKey, GroupingKeyError> {
    let pid = snapshot.process_id().map_or_else(|| "unknown".to_owned(), |pid| pid.to_string());
    let job = job.replace("{pid}", &pid).replace("{host}", snapshot.host());
    GroupingKey::new(&job)?.with("instance", snapshot.label())
}
