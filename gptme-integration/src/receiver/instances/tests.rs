use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::UNIX_EPOCH;

use prompush_http_server::Connection;

use super::*;

/// Processes that the test makes up, by the ports of their connections.
#[derive(Clone, Default)]
struct Made(Arc<parking_lot::Mutex<State>>);

#[derive(Default)]
struct State {
    owners: BTreeMap<u16, Process>,
    dead: Vec<Process>,
    /// Children with their parents.
    parents: BTreeMap<Process, Process>,
}

impl Processes for Made {
    fn owner(&self, peer: SocketAddr, _: SocketAddr) -> Option<Process> {
        self.0.lock().owners.get(&peer.port()).copied()
    }

    fn is_alive(&self, process: Process) -> bool {
        !self.0.lock().dead.contains(&process)
    }

    fn descends_from(&self, process: Process, ancestor: Process) -> bool {
        self.0.lock().parents.get(&process) == Some(&ancestor)
    }
}

/// A table whose connections are numbered by the port of the client.
struct Bench {
    table: Table,
    made: Made,
    now: Duration,
}

const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn connection(port: u16) -> Connection {
    Connection::new(port.into(), (LOOPBACK, port).into(), (LOOPBACK, 4318).into())
}

fn process(pid: u32, started: u64) -> Process {
    Process { pid, started }
}

fn export(name: &str) -> Export {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/otlp");
    let body = std::fs::read(folder.join(format!("{name}.bin"))).expect("a fixture");
    Export::decode(&body, None, 1 << 20).expect("an export")
}

impl Bench {
    fn new(owners: &[(u16, Process)]) -> Self {
        let made = Made::default();
        made.0.lock().owners.extend(owners.iter().copied());
        let rules = Arc::new(Rules::default());
        let table =
            Table::new(Instances::ByPeer, "here".to_owned(), 3, rules, Box::new(made.clone()));
        Self { table, made, now: Duration::ZERO }
    }

    fn send(&mut self, port: u16, name: &str) -> Taken {
        let connection = connection(port);
        if !self.table.clients.contains_key(&connection.id()) {
            self.table.connected(&connection, None);
        }
        let export = export(name);
        let arrival = Arrival { connection: &connection, prefix: None, export: &export };
        self.table.absorb(&arrival, UNIX_EPOCH)
    }

    fn close(&mut self, port: u16) {
        self.table.disconnected(port.into(), self.now);
    }

    fn kill(&self, process: Process) {
        self.made.0.lock().dead.push(process);
    }

    /// Looks after that time, and takes all: labels, and whether they have ended.
    fn after(&mut self, time: Duration) -> Vec<(String, bool)> {
        self.now += time;
        self.table.look(self.now);
        let taken = self.table.take();
        taken.iter().map(|it| (it.label().to_owned(), it.has_ended())).collect()
    }
}

fn row(label: &str, has_ended: bool) -> Vec<(String, bool)> {
    vec![(label.to_owned(), has_ended)]
}

const SECOND: Duration = Duration::from_secs(1);

/// When the oldest series of `twin-a-1` began, in milliseconds since 1970.
const A: &str = "testhost:started-1795341054356";
const B: &str = "testhost:started-1795341056764";

#[test]
fn without_a_process_an_instance_goes_on_where_its_series_do() {
    let mut bench = Bench::new(&[]);
    bench.send(1, "twin-a-1");
    bench.send(2, "twin-b-flush");
    bench.close(1);
    bench.send(3, "twin-a-2"); // reopened
    let labels: Vec<_> = bench.after(SECOND).into_iter().map(|(label, _)| label).collect();
    assert_eq!(labels, [A, B]);
    // Without a connection for long it has ended; and goes on under its name if it has not.
    bench.close(3);
    assert_eq!(bench.after(UNKNOWN_LINGER), [row(A, true), row(B, false)].concat());
    bench.send(4, "twin-a-shutdown");
    assert_eq!(bench.after(SECOND), [row(B, false), row(A, false)].concat());
}

#[test]
fn delta_exports_are_one_instance_too() {
    let mut bench = Bench::new(&[]);
    for (port, name) in [(1, "delta-1"), (2, "delta-2"), (3, "delta-3")] {
        bench.send(port, name);
        bench.close(port);
    }
    assert_eq!(bench.after(SECOND).len(), 1);
}

#[test]
fn a_process_with_a_number_that_was_used_before_is_a_new_instance() {
    let (first, second) = (process(7, 100), process(7, 200));
    let mut bench = Bench::new(&[(1, first), (2, second)]);
    bench.send(1, "twin-a-1");
    bench.kill(first);
    bench.close(1);
    bench.send(2, "twin-b-flush");
    let expected = [row("testhost:7", true), row("testhost:7-2", false)].concat();
    assert_eq!(bench.after(SECOND), expected);
    assert_eq!(bench.after(SECOND), row("testhost:7-2", false));
}

#[test]
fn a_process_ends_when_its_connections_have_or_soon_after() {
    let dying = process(7, 100);
    let mut bench = Bench::new(&[(1, dying), (2, dying)]);
    bench.send(1, "twin-a-1");
    bench.send(2, "twin-a-2");
    bench.close(1);
    bench.kill(dying);
    assert_eq!(bench.after(SECOND), row("testhost:7", false), "one connection is still read");
    assert_eq!(bench.after(ENDED_LINGER), row("testhost:7", true), "it was read for long enough");
    assert_eq!(bench.after(SECOND), []);
}

#[test]
fn a_connection_that_closes_ends_no_process() {
    let alive = process(7, 100);
    let mut bench = Bench::new(&[(1, alive), (2, alive)]);
    bench.send(1, "twin-a-1");
    bench.close(1);
    assert_eq!(bench.after(Duration::from_hours(1)), row("testhost:7", false));
    bench.send(2, "twin-a-2");
    assert_eq!(bench.after(SECOND), row("testhost:7", false));
}

#[test]
fn what_a_forked_child_sends_of_its_parent_is_not_counted_twice() {
    let (parent, child, stranger) = (process(7, 1), process(8, 2), process(9, 3));
    let mut bench = Bench::new(&[(1, parent), (2, child), (3, stranger)]);
    bench.made.0.lock().parents.insert(child, parent);
    bench.send(1, "twin-a-1");
    bench.send(1, "twin-a-2");
    bench.send(2, "twin-a-1");
    assert_eq!(bench.after(SECOND), row("testhost:7", false));
    // Series of its own make it an instance; the same series of a stranger do as well.
    bench.send(2, "twin-b-flush");
    bench.send(3, "twin-a-2");
    assert_eq!(bench.after(SECOND).len(), 3);
}

#[test]
fn there_are_so_many_instances_and_no_more() {
    let owners: Vec<_> = (1..=4).map(|at| (at, process(at.into(), 1))).collect();
    let mut bench = Bench::new(&owners);
    for port in 1..=3 {
        assert!(matches!(bench.send(port, "long-1"), Taken::Absorbed(_)));
    }
    assert!(matches!(bench.send(4, "long-1"), Taken::NoRoom));
}

#[test]
fn what_has_ended_is_remembered_for_a_while_only() {
    let mut bench = Bench::new(&[]);
    let ended = |at: usize| Ended {
        label: format!("x:{at}"),
        name: None,
        process: None,
        lineage: Lineage::default(),
    };
    bench.table.ended.extend((0..ENDED_MAX + 10).map(ended));
    bench.after(SECOND);
    assert_eq!(bench.table.ended.len(), ENDED_MAX);
    assert_eq!(bench.table.ended[0].label, "x:10");
}
