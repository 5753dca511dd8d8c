//! Which instance an export belongs to.
//!
//! Two processes on one host send the same bytes for a resource, so it is not asked who an export says
//! it is from, but which process sent it: the one at the other end of the connection. Where that cannot be told
//! (it is on another machine, in a container, or another user's), an export belongs to the instance
//! whose series it continues, on whatever connection it comes.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prompush_http_server::Connection;

use super::config::Instances;
use super::lineage::Lineage;
use super::process::{Process, Processes};
use super::snapshot::Snapshot;
use crate::instance::{Absorbed, Instance};
use crate::otlp::Export;
use crate::rules::Rules;

/// Ended instances that are remembered: their names are not given to others, and they go on under
/// their names if they turn out not to have ended.
const ENDED_MAX: usize = 1024;

/// How long an instance whose process is not known stays without a connection before it counts as ended:
/// twice the time between two exports, and room.
const UNKNOWN_LINGER: Duration = Duration::from_secs(30);

/// How long the connections of a process that has ended may stay open: what it sent last is read meanwhile.
const ENDED_LINGER: Duration = Duration::from_secs(5);

/// How long after its connection ended a process is looked after closely: it is most likely ending.
const ENDING_TIME: Duration = Duration::from_secs(2);

/// The time between two looks at whether processes have ended: as a rule, and while one seems to be ending.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
const LOOK_INTERVAL_ENDING: Duration = Duration::from_millis(50);

/// What became of an export.
#[derive(Clone, Debug)]
pub(super) enum Taken {
    /// It was absorbed by an instance.
    Absorbed(Absorbed),
    /// It holds no point.
    Empty,
    /// There are as many instances as there may be.
    NoRoom,
}

/// All instances, and who is connected.
pub(super) struct Table {
    mode: Instances,
    /// This machine's name, for exports that do not say theirs.
    host: String,
    instances_max: usize,
    rules: Arc<Rules>,
    processes: Box<dyn Processes>,
    clients: HashMap<u64, Client>,
    /// In the order in which they were first seen.
    known: BTreeMap<u64, Known>,
    next: u64,
    ended: VecDeque<Ended>,
    next_look: Duration,
}

/// The other end of a connection.
#[derive(Debug)]
struct Client {
    peer: SocketAddr,
    process: Option<Process>,
    /// Whether everything was tried to find out the process.
    is_asked: bool,
}

/// An instance.
struct Known {
    label: String,
    host: String,
    /// What the user calls it: `service.instance.id`, or the path prefix.
    name: Option<String>,
    process: Option<Process>,
    connections: BTreeSet<u64>,
    lineage: Lineage,
    state: Arc<Instance>,
    is_changed: bool,
    /// Since when it has no connection; from 0 on the monotonic clock.
    alone_since: Option<Duration>,
    /// Since when its process is gone.
    dead_since: Option<Duration>,
    has_ended: bool,
}

/// What is left of an instance that has ended.
struct Ended {
    label: String,
    name: Option<String>,
    process: Option<Process>,
    lineage: Lineage,
}

/// An export with where it came from.
pub(super) struct Arrival<'a> {
    pub(super) connection: &'a Connection,
    pub(super) prefix: Option<&'a str>,
    pub(super) export: &'a Export,
}

impl Arrival<'_> {
    /// What the user calls the instance.
    fn name(&self) -> Option<String> {
        let id = self.export.resource_attribute("service.instance.id");
        id.or(self.prefix).filter(|name| !name.is_empty()).map(str::to_owned)
    }
}

impl Table {
    pub(super) fn new(
        mode: Instances,
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
            clients: HashMap::new(),
            known: BTreeMap::new(),
            next: 0,
            ended: VecDeque::new(),
            next_look: LOOK_INTERVAL,
        }
    }

    /// A client has connected; its process, if that was found out.
    pub(super) fn connected(&mut self, connection: &Connection, process: Option<Process>) {
        let client = Client { peer: connection.peer(), process, is_asked: process.is_some() };
        self.clients.insert(connection.id(), client);
    }

    /// A connection has ended; whether it was the last one of an instance that has changed.
    pub(super) fn disconnected(&mut self, connection: u64, now: Duration) -> bool {
        self.clients.remove(&connection);
        let mut any = false;
        for known in self.known.values_mut() {
            if known.connections.remove(&connection) && known.connections.is_empty() {
                known.alone_since = Some(now);
                any |= known.is_changed;
                self.next_look = now;
            }
        }
        any
    }

    /// How many instances there are that have not ended.
    pub(super) fn len(&self) -> usize {
        self.known.values().filter(|known| !known.has_ended).count()
    }

    /// Adds an export to the instance that it belongs to.
    pub(super) fn absorb(&mut self, arrival: &Arrival<'_>, wall: SystemTime) -> Taken {
        let export = arrival.export;
        if export.points() == 0 {
            return Taken::Empty;
        }
        let lineage = Lineage::of(export);
        let id = match self.find(arrival, lineage) {
            Found::Instance(id) => id,
            Found::Nothing if self.known.len() >= self.instances_max => return Taken::NoRoom,
            Found::Nothing => self.add(arrival, lineage),
        };
        let Some(known) = self.known.get_mut(&id) else { return Taken::NoRoom };
        known.lineage = lineage;
        known.is_changed = true;
        known.has_ended = false;
        known.alone_since = None;
        known.connections.insert(arrival.connection.id());
        let sender = arrival.connection.id();
        Taken::Absorbed(known.state.absorb_from(sender, export, wall))
    }

    /// Marks the instances that have ended; whether any has since the last look.
    pub(super) fn look(&mut self, now: Duration) -> bool {
        if now < self.next_look {
            return false;
        }
        self.next_look = now + LOOK_INTERVAL;
        if self.mode == Instances::One {
            return false;
        }
        let mut any = false;
        for known in self.known.values_mut().filter(|known| !known.has_ended) {
            let alone_for = known.alone_since.map(|since| now.saturating_sub(since));
            let Some(process) = known.process else {
                known.has_ended = alone_for.is_some_and(|time| time >= UNKNOWN_LINGER);
                any |= known.has_ended;
                continue;
            };
            if self.processes.is_alive(process) {
                known.dead_since = None;
                if alone_for.is_some_and(|time| time < ENDING_TIME) {
                    self.next_look = now + LOOK_INTERVAL_ENDING;
                }
                continue;
            }
            let dead_since = *known.dead_since.get_or_insert(now);
            known.has_ended = alone_for.is_some() || now.saturating_sub(dead_since) >= ENDED_LINGER;
            any |= known.has_ended;
        }
        any
    }

    /// How long until the next look is due.
    pub(super) fn time_to_look(&self, now: Duration) -> Duration {
        self.next_look.saturating_sub(now)
    }

    /// All instances. Those that have ended are forgotten with this.
    pub(super) fn take(&mut self) -> Vec<Snapshot> {
        let snapshots = self.known.values_mut().map(|known| Snapshot {
            label: known.label.clone(),
            host: known.host.clone(),
            process_id: known.process.map(|process| process.pid),
            is_changed: std::mem::take(&mut known.is_changed),
            is_connected: known.alone_since.is_none(),
            has_ended: known.has_ended,
            source: Arc::<Instance>::clone(&known.state),
        });
        let snapshots = snapshots.collect();
        let ended = self.known.extract_if(.., |_, known| known.has_ended);
        self.ended.extend(ended.map(|(_, known)| Ended {
            label: known.label,
            name: known.name,
            process: known.process,
            lineage: known.lineage,
        }));
        let excess = self.ended.len().saturating_sub(ENDED_MAX);
        self.ended.drain(..excess);
        snapshots
    }

    fn find(&mut self, arrival: &Arrival<'_>, lineage: Lineage) -> Found {
        if self.mode == Instances::One {
            return self.known.keys().next().map_or(Found::Nothing, |id| Found::Instance(*id));
        }
        self.ask_again(arrival.connection);
        let process = self.process_of(arrival);
        let name = arrival.name();
        let connection = arrival.connection.id();
        let mut named = self.known.iter().filter(|(_, known)| known.name == name);
        let same = match process {
            Some(process) => named.find(|(_, known)| known.process == Some(process)),
            None => named.find(|(_, known)| known.connections.contains(&connection)),
        };
        if let Some((id, _)) = same {
            return Found::Instance(*id);
        }
        self.find_by_lineage(process, name.as_deref(), lineage)
    }

    fn find_by_lineage(
        &mut self,
        process: Option<Process>,
        name: Option<&str>,
        lineage: Lineage,
    ) -> Found {
        for (id, known) in &mut self.known {
            if known.name.as_deref() != name || !lineage.continues(known.lineage) {
                continue;
            }
            match (known.process, process) {
                // An exporter goes on after a `fork`, and its child sends what was there as well:
                // the instance knows by the sender what not to count twice. A stranger is another instance.
                (Some(theirs), Some(ours)) if self.processes.is_alive(theirs) => {
                    if self.processes.descends_from(ours, theirs) {
                        return Found::Instance(*id);
                    }
                }
                _ => {
                    known.process = process.or(known.process);
                    return Found::Instance(*id);
                }
            }
        }
        Found::Nothing
    }

    /// Asks once more for a process that was not found at once.
    fn ask_again(&mut self, connection: &Connection) {
        let Some(client) = self.clients.get_mut(&connection.id()) else { return };
        if !std::mem::replace(&mut client.is_asked, true) {
            client.process = self.processes.owner(connection.peer(), connection.local());
        }
    }

    fn process_of(&self, arrival: &Arrival<'_>) -> Option<Process> {
        self.clients.get(&arrival.connection.id())?.process
    }

    fn add(&mut self, arrival: &Arrival<'_>, lineage: Lineage) -> u64 {
        let (process, name) = (self.process_of(arrival), arrival.name());
        let host = self.host_of(arrival);
        let label = self.label_of(&host, name.as_deref(), process, lineage, arrival);
        let id = self.next;
        self.next += 1;
        let known = Known {
            label,
            host,
            name,
            process,
            connections: BTreeSet::new(),
            lineage,
            state: Arc::new(Instance::new(Arc::clone(&self.rules))),
            is_changed: false,
            alone_since: None,
            dead_since: None,
            has_ended: false,
        };
        self.known.insert(id, known);
        id
    }

    fn host_of(&self, arrival: &Arrival<'_>) -> String {
        let said = arrival.export.resource_attribute("host.name").filter(|host| !host.is_empty());
        if let Some(host) = said {
            return host.to_owned();
        }
        let peer = self.clients.get(&arrival.connection.id()).map(|client| client.peer.ip());
        match peer {
            Some(ip) if !ip.is_loopback() && ip != arrival.connection.local().ip() => {
                ip.to_string()
            }
            _ => self.host.clone(),
        }
    }

    /// A label that no other instance has.
    fn label_of(
        &mut self,
        host: &str,
        name: Option<&str>,
        process: Option<Process>,
        lineage: Lineage,
        arrival: &Arrival<'_>,
    ) -> String {
        // It goes on after it seemed to have ended.
        let continued = self.ended.iter().position(|ended| {
            ended.name.as_deref() == name
                && (lineage.continues(ended.lineage)
                    || (process.is_some() && ended.process == process))
        });
        if let Some(ended) = continued.and_then(|at| self.ended.remove(at)) {
            return ended.label;
        }
        let label = match (name, process) {
            (Some(name), _) => name.to_owned(),
            (None, Some(process)) => format!("{host}:{}", process.pid),
            // The same after a restart of the receiver, unlike a number that counts.
            (None, None) if lineage.earliest != 0 => {
                format!("{host}:started-{}", lineage.earliest / 1_000_000)
            }
            (None, None) => format!("{host}:connection-{}", arrival.connection.id()),
        };
        let numbered = |number: u64| match number {
            1 => label.clone(),
            number => format!("{label}-{number}"),
        };
        let free = (1..=u64::from(u32::MAX))
            .map(numbered)
            .find(|label| !self.is_taken(label, name.is_some()));
        free.unwrap_or(label)
    }

    /// Whether a label belongs to somebody else. One that a user gave is free again when its process has ended.
    fn is_taken(&self, label: &str, is_given: bool) -> bool {
        let is_gone = |known: &Known| {
            known.has_ended
                || known.process.is_some_and(|process| !self.processes.is_alive(process))
        };
        let mut holders = self.known.values().filter(|known| known.label == label);
        holders.any(|known| !(is_given && is_gone(known)))
            || (!is_given && self.ended.iter().any(|ended| ended.label == label))
    }
}

enum Found {
    Instance(u64),
    Nothing,
}

#[cfg(test)]
mod tests;
