//! Assigns every export to an instance.
//!
//! Two processes on one machine may export byte-for-byte the same resource, so an export cannot
//! say which instance it belongs to. The sending process decides: the one at the other end of the
//! connection. That process is unknown when it runs on another machine, in a container, or as
//! another user. Its exports then belong to the instance whose series they continue
//! ([`ExportTimes`]), on whatever connection they arrive.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prompush_http_server::Connection;

use crate::decode::Export;
use crate::instance::{Ingested, Instance};
use crate::receiver::config::InstanceMode;
use crate::receiver::export_times::ExportTimes;
use crate::receiver::process_identity::{ProcessIdentity, Processes};
use crate::receiver::snapshot::InstanceSnapshot;
use crate::rules::Rules;

/// How many ended instances are remembered. Their labels are not given to others, and an instance
/// that turns out to be alive continues under its label.
const ENDED_MAX: usize = 1024;

/// After this time without a connection, an instance whose process is unknown counts as ended:
/// twice the usual time between two exports, and some slack.
const UNKNOWN_PROCESS_TIMEOUT: Duration = Duration::from_secs(30);

/// How long after the end of its process an instance may keep its connections open, so that its
/// last requests are still read.
const ENDED_PROCESS_TIMEOUT: Duration = Duration::from_secs(5);

/// How long after its last connection closed a process is checked often: it is most likely ending.
const ENDING_TIME: Duration = Duration::from_secs(2);

/// The usual time between two checks whether processes have ended.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// The time between two checks while a process seems to be ending.
const CHECK_INTERVAL_ENDING: Duration = Duration::from_millis(50);

/// The outcome of ingesting an export.
#[derive(Clone, Debug)]
pub(crate) enum IngestOutcome {
    /// An instance ingested the export.
    Ingested(Ingested),
    /// The export has no points.
    Empty,
    /// The export belongs to a new instance, and the limit of instances is reached.
    TooManyInstances,
}

/// All instances, and all open connections.
///
/// Times are counted from an arbitrary zero on the monotonic clock.
pub(crate) struct InstanceTable {
    mode: InstanceMode,
    /// The name of this machine, for programs that do not export a host name.
    host: String,
    instances_max: usize,
    rules: Arc<Rules>,
    processes: Box<dyn Processes>,
    /// Open connections, by their number.
    connections: HashMap<u64, ClientConnection>,
    /// In the order in which the instances were first seen.
    instances: BTreeMap<u64, TrackedInstance>,
    next_id: u64,
    /// The last instances that have ended, oldest first.
    ended: VecDeque<EndedInstance>,
    next_check: Duration,
}

/// The client of an open connection.
#[derive(Debug)]
struct ClientConnection {
    peer: SocketAddr,
    process: Option<ProcessIdentity>,
    /// Whether the process was searched for among all open files, without a limit.
    has_searched_all: bool,
}

/// An instance that sends, or has just ended.
struct TrackedInstance {
    label: String,
    host: String,
    /// The name that the user gave it: `service.instance.id`, or the path prefix.
    user_name: Option<String>,
    process: Option<ProcessIdentity>,
    /// The open connections on which it has sent.
    connections: BTreeSet<u64>,
    times: ExportTimes,
    metrics: Arc<Instance>,
    is_changed: bool,
    /// When its last connection closed; `None` while it has one.
    disconnected_since: Option<Duration>,
    /// When its process was first found to have ended.
    exited_since: Option<Duration>,
    has_ended: bool,
}

/// The identity of an instance that has ended.
struct EndedInstance {
    label: String,
    user_name: Option<String>,
    process: Option<ProcessIdentity>,
    times: ExportTimes,
}

/// An export, and where it came from.
pub(crate) struct ReceivedExport<'a> {
    pub(crate) connection: &'a Connection,
    /// The path before `/v1/metrics`, without slashes around it.
    pub(crate) path_prefix: Option<&'a str>,
    pub(crate) export: &'a Export,
}

impl ReceivedExport<'_> {
    /// The name that the user gave the instance.
    fn user_name(&self) -> Option<String> {
        let id = self.export.resource_attribute("service.instance.id");
        id.or(self.path_prefix).filter(|name| !name.is_empty()).map(str::to_owned)
    }
}

impl InstanceTable {
    pub(crate) fn new(
        mode: InstanceMode,
        host: String,
        instances_max: usize,
        rules: Arc<Rules>,
        processes: Box<dyn Processes>,
    ) -> Self {
        Self {
            mode,
            host,
            instances_max,
            rules,
            processes,
            connections: HashMap::new(),
            instances: BTreeMap::new(),
            next_id: 0,
            ended: VecDeque::new(),
            next_check: CHECK_INTERVAL,
        }
    }

    /// Records a new connection, and its process if it was found at once.
    pub(crate) fn connected(&mut self, connection: &Connection, process: Option<ProcessIdentity>) {
        let has_searched_all = process.is_some();
        let client = ClientConnection { peer: connection.peer(), process, has_searched_all };
        self.connections.insert(connection.id(), client);
    }

    /// Records that a connection was closed. Returns whether it was the last connection of an
    /// instance that has changed.
    pub(crate) fn disconnected(&mut self, connection: u64, now: Duration) -> bool {
        self.connections.remove(&connection);
        let mut any = false;
        for instance in self.instances.values_mut() {
            if instance.connections.remove(&connection) && instance.connections.is_empty() {
                instance.disconnected_since = Some(now);
                any |= instance.is_changed;
                self.next_check = now;
            }
        }
        any
    }

    /// How many instances have not ended.
    pub(crate) fn running(&self) -> usize {
        self.instances.values().filter(|instance| !instance.has_ended).count()
    }

    /// Adds an export to the instance that it belongs to; creates the instance if necessary.
    pub(crate) fn ingest(
        &mut self,
        received: &ReceivedExport<'_>,
        wall: SystemTime,
    ) -> IngestOutcome {
        let export = received.export;
        if export.points() == 0 {
            return IngestOutcome::Empty;
        }
        let times = ExportTimes::of(export);
        let id = match self.find(received, times) {
            Some(id) => id,
            None if self.instances.len() >= self.instances_max => {
                return IngestOutcome::TooManyInstances;
            }
            None => self.create(received, times),
        };
        let Some(instance) = self.instances.get_mut(&id) else {
            return IngestOutcome::TooManyInstances;
        };
        instance.times = times;
        instance.is_changed = true;
        instance.has_ended = false;
        instance.disconnected_since = None;
        let sender = received.connection.id();
        instance.connections.insert(sender);
        IngestOutcome::Ingested(instance.metrics.ingest_from(sender, export, wall))
    }

    /// Marks instances that have ended, if a check is due. Returns whether any instance has ended
    /// since the previous check.
    pub(crate) fn check_processes(&mut self, now: Duration) -> bool {
        if now < self.next_check {
            return false;
        }
        self.next_check = now + CHECK_INTERVAL;
        if self.mode == InstanceMode::Single {
            return false;
        }
        let mut any = false;
        for instance in self.instances.values_mut().filter(|instance| !instance.has_ended) {
            let disconnected_for =
                instance.disconnected_since.map(|since| now.saturating_sub(since));
            let Some(process) = instance.process else {
                instance.has_ended =
                    disconnected_for.is_some_and(|time| time >= UNKNOWN_PROCESS_TIMEOUT);
                any |= instance.has_ended;
                continue;
            };
            if self.processes.is_alive(process) {
                instance.exited_since = None;
                if disconnected_for.is_some_and(|time| time < ENDING_TIME) {
                    self.next_check = now + CHECK_INTERVAL_ENDING;
                }
                continue;
            }
            let exited_since = *instance.exited_since.get_or_insert(now);
            instance.has_ended = disconnected_for.is_some()
                || now.saturating_sub(exited_since) >= ENDED_PROCESS_TIMEOUT;
            any |= instance.has_ended;
        }
        any
    }

    /// The time until the next check is due.
    pub(crate) fn until_next_check(&self, now: Duration) -> Duration {
        self.next_check.saturating_sub(now)
    }

    /// Snapshots of all instances. Resets `is_changed`, and forgets the instances that have ended.
    pub(crate) fn snapshots(&mut self) -> Vec<InstanceSnapshot> {
        let snapshots = self.instances.values_mut().map(|instance| InstanceSnapshot {
            label: instance.label.clone(),
            host: instance.host.clone(),
            process_id: instance.process.map(|process| process.pid),
            is_changed: std::mem::take(&mut instance.is_changed),
            is_connected: instance.disconnected_since.is_none(),
            has_ended: instance.has_ended,
            source: Arc::<Instance>::clone(&instance.metrics),
        });
        let snapshots = snapshots.collect();
        let ended = self.instances.extract_if(.., |_, instance| instance.has_ended);
        self.ended.extend(ended.map(|(_, instance)| EndedInstance {
            label: instance.label,
            user_name: instance.user_name,
            process: instance.process,
            times: instance.times,
        }));
        let excess = self.ended.len().saturating_sub(ENDED_MAX);
        self.ended.drain(..excess);
        snapshots
    }

    /// The instance that an export belongs to; `None` when it belongs to a new one.
    fn find(&mut self, received: &ReceivedExport<'_>, times: ExportTimes) -> Option<u64> {
        if self.mode == InstanceMode::Single {
            return self.instances.keys().next().copied();
        }
        self.search_process_once(received.connection);
        let process = self.process_of(received);
        let user_name = received.user_name();
        let connection = received.connection.id();
        let mut same_name =
            self.instances.iter().filter(|(_, instance)| instance.user_name == user_name);
        let same_sender = match process {
            Some(process) => same_name.find(|(_, instance)| instance.process == Some(process)),
            None => same_name.find(|(_, instance)| instance.connections.contains(&connection)),
        };
        if let Some((id, _)) = same_sender {
            return Some(*id);
        }
        self.find_by_times(process, user_name.as_deref(), times)
    }

    /// The instance whose series an export continues.
    fn find_by_times(
        &mut self,
        process: Option<ProcessIdentity>,
        user_name: Option<&str>,
        times: ExportTimes,
    ) -> Option<u64> {
        for (id, instance) in &mut self.instances {
            if instance.user_name.as_deref() != user_name || !times.continues(instance.times) {
                continue;
            }
            match (instance.process, process) {
                // After a `fork` without `exec`, the exporter also runs in the child, and repeats
                // the values from before the fork. Parent and child are one instance, which knows
                // by the sender not to count these values twice. An unrelated process with the
                // same series is another instance.
                (Some(owner), Some(sender)) if self.processes.is_alive(owner) => {
                    if self.processes.descends_from(sender, owner) {
                        return Some(*id);
                    }
                }
                _ => {
                    instance.process = process.or(instance.process);
                    return Some(*id);
                }
            }
        }
        None
    }

    /// Searches for the process of a connection, once, if it was not found at once.
    fn search_process_once(&mut self, connection: &Connection) {
        let Some(client) = self.connections.get_mut(&connection.id()) else { return };
        if !std::mem::replace(&mut client.has_searched_all, true) {
            client.process = self.processes.owner(connection.peer(), connection.local());
        }
    }

    fn process_of(&self, received: &ReceivedExport<'_>) -> Option<ProcessIdentity> {
        self.connections.get(&received.connection.id())?.process
    }

    /// Creates an instance for an export; returns its ID.
    fn create(&mut self, received: &ReceivedExport<'_>, times: ExportTimes) -> u64 {
        let (process, user_name) = (self.process_of(received), received.user_name());
        let host = self.host_of(received);
        let label = self.label_for(&host, user_name.as_deref(), process, times, received);
        let id = self.next_id;
        self.next_id += 1;
        let instance = TrackedInstance {
            label,
            host,
            user_name,
            process,
            connections: BTreeSet::new(),
            times,
            metrics: Arc::new(Instance::new(Arc::clone(&self.rules))),
            is_changed: false,
            disconnected_since: None,
            exited_since: None,
            has_ended: false,
        };
        self.instances.insert(id, instance);
        id
    }

    fn host_of(&self, received: &ReceivedExport<'_>) -> String {
        let exported = received.export.resource_attribute("host.name");
        if let Some(host) = exported.filter(|host| !host.is_empty()) {
            return host.to_owned();
        }
        let client = self.connections.get(&received.connection.id());
        match client.map(|client| client.peer.ip()) {
            Some(ip) if !ip.is_loopback() && ip != received.connection.local().ip() => {
                ip.to_string()
            }
            _ => self.host.clone(),
        }
    }

    /// A label for a new instance that no other instance has.
    fn label_for(
        &mut self,
        host: &str,
        user_name: Option<&str>,
        process: Option<ProcessIdentity>,
        times: ExportTimes,
        received: &ReceivedExport<'_>,
    ) -> String {
        // An instance that only seemed to have ended continues under its label.
        let continued = self.ended.iter().position(|ended| {
            ended.user_name.as_deref() == user_name
                && (times.continues(ended.times) || (process.is_some() && ended.process == process))
        });
        if let Some(ended) = continued.and_then(|at| self.ended.remove(at)) {
            return ended.label;
        }
        let label = match (user_name, process) {
            (Some(name), _) => name.to_owned(),
            (None, Some(process)) => format!("{host}:{}", process.pid),
            // A start time, unlike a counter, is the same after a restart of the receiver.
            (None, None) if times.earliest_start != 0 => {
                format!("{host}:started-{}", times.earliest_start / 1_000_000)
            }
            (None, None) => format!("{host}:connection-{}", received.connection.id()),
        };
        let numbered = |number: u64| match number {
            1 => label.clone(),
            number => format!("{label}-{number}"),
        };
        let free = (1..=u64::from(u32::MAX))
            .map(numbered)
            .find(|label| !self.is_taken(label, user_name.is_some()));
        free.unwrap_or(label)
    }

    /// Whether a label belongs to another instance. A label that the user chose is free again as
    /// soon as its process has ended.
    fn is_taken(&self, label: &str, is_user_name: bool) -> bool {
        let is_gone = |instance: &TrackedInstance| {
            instance.has_ended
                || instance.process.is_some_and(|process| !self.processes.is_alive(process))
        };
        let mut holders = self.instances.values().filter(|instance| instance.label == label);
        holders.any(|instance| !(is_user_name && is_gone(instance)))
            || (!is_user_name && self.ended.iter().any(|ended| ended.label == label))
    }
}

#[cfg(test)]
mod tests;
