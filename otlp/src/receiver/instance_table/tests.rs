use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::UNIX_EPOCH;

use prompush_http_server::Connection;

use super::*;

/// Processes that the test invents, by the ports of their connections.
#[derive(Clone, Default)]
struct FakeProcesses(Arc<parking_lot::Mutex<FakeState>>);

#[derive(Default)]
struct FakeState {
    owners: BTreeMap<u16, ProcessIdentity>,
    dead: Vec<ProcessIdentity>,
    /// The parent of each child.
    parents: BTreeMap<ProcessIdentity, ProcessIdentity>,
}

impl Processes for FakeProcesses {
    fn owner(&self, peer: SocketAddr, _: SocketAddr) -> Option<ProcessIdentity> {
        self.0.lock().owners.get(&peer.port()).copied()
    }

    fn is_alive(&self, process: ProcessIdentity) -> bool {
        !self.0.lock().dead.contains(&process)
    }

    fn descends_from(&self, process: ProcessIdentity, ancestor: ProcessIdentity) -> bool {
        self.0.lock().parents.get(&process) == Some(&ancestor)
    }
}

/// A table whose connections are numbered by the port of the client.
struct TableTest {
    table: InstanceTable,
    processes: FakeProcesses,
    now: Duration,
}

const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn connection(port: u16) -> Connection {
    Connection::new(port.into(), (LOOPBACK, port).into(), (LOOPBACK, 4318).into())
}

fn process(pid: u32, started: u64) -> ProcessIdentity {
    ProcessIdentity { pid, started }
}

fn export(name: &str) -> Export {
    let body = prompush_testing::otlp_capture(name);
    Export::decode(body).expect("an export")
}

impl TableTest {
    fn new(owners: &[(u16, ProcessIdentity)]) -> Self {
        let processes = FakeProcesses::default();
        processes.0.lock().owners.extend(owners.iter().copied());
        let rules = Arc::new(Rules::default());
        let (mode, fake) = (InstanceMode::PerProcess, Box::new(processes.clone()));
        let table = InstanceTable::new(mode, "here".to_owned(), 3, rules, fake);
        Self { table, processes, now: Duration::ZERO }
    }

    fn send(&mut self, port: u16, name: &str) -> IngestOutcome {
        let connection = connection(port);
        if !self.table.connections.contains_key(&connection.id()) {
            self.table.connected(&connection, None);
        }
        let export = export(name);
        let received =
            ReceivedExport { connection: &connection, path_prefix: None, export: &export };
        self.table.ingest(&received, UNIX_EPOCH)
    }

    fn close(&mut self, port: u16) {
        self.table.disconnected(port.into(), self.now);
    }

    fn kill(&self, process: ProcessIdentity) {
        self.processes.0.lock().dead.push(process);
    }

    /// Checks the processes after that time; returns all labels, and whether the instances ended.
    fn after(&mut self, time: Duration) -> Vec<(String, bool)> {
        self.now += time;
        self.table.check_processes(self.now);
        let snapshots = self.table.snapshots();
        snapshots.iter().map(|it| (it.label().to_owned(), it.has_ended())).collect()
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
    let mut test = TableTest::new(&[]);
    test.send(1, "twin-a-1");
    test.send(2, "twin-b-flush");
    test.close(1);
    test.send(3, "twin-a-2"); // reopened
    let labels: Vec<_> = test.after(SECOND).into_iter().map(|(label, _)| label).collect();
    assert_eq!(labels, [A, B]);
    // After a long time without a connection the instance has ended. If it comes back, it keeps its
    // label.
    test.close(3);
    assert_eq!(test.after(UNKNOWN_PROCESS_TIMEOUT), [row(A, true), row(B, false)].concat());
    test.send(4, "twin-a-shutdown");
    assert_eq!(test.after(SECOND), [row(B, false), row(A, false)].concat());
}

#[test]
fn delta_exports_are_one_instance_too() {
    let mut test = TableTest::new(&[]);
    for (port, name) in [(1, "delta-1"), (2, "delta-2"), (3, "delta-3")] {
        test.send(port, name);
        test.close(port);
    }
    assert_eq!(test.after(SECOND).len(), 1);
}

#[test]
fn a_process_with_a_reused_process_id_is_a_new_instance() {
    let (first, second) = (process(7, 100), process(7, 200));
    let mut test = TableTest::new(&[(1, first), (2, second)]);
    test.send(1, "twin-a-1");
    test.kill(first);
    test.close(1);
    test.send(2, "twin-b-flush");
    let expected = [row("testhost:7", true), row("testhost:7-2", false)].concat();
    assert_eq!(test.after(SECOND), expected);
    assert_eq!(test.after(SECOND), row("testhost:7-2", false));
}

#[test]
fn a_process_ends_when_its_connections_have_or_soon_after() {
    let dying = process(7, 100);
    let mut test = TableTest::new(&[(1, dying), (2, dying)]);
    test.send(1, "twin-a-1");
    test.send(2, "twin-a-2");
    test.close(1);
    test.kill(dying);
    assert_eq!(test.after(SECOND), row("testhost:7", false), "one connection is still read");
    assert_eq!(
        test.after(ENDED_PROCESS_TIMEOUT),
        row("testhost:7", true),
        "it was read for long enough"
    );
    assert_eq!(test.after(SECOND), []);
}

#[test]
fn a_connection_that_closes_ends_no_process() {
    let alive = process(7, 100);
    let mut test = TableTest::new(&[(1, alive), (2, alive)]);
    test.send(1, "twin-a-1");
    test.close(1);
    assert_eq!(test.after(Duration::from_hours(1)), row("testhost:7", false));
    test.send(2, "twin-a-2");
    assert_eq!(test.after(SECOND), row("testhost:7", false));
}

#[test]
fn values_that_a_forked_child_repeats_are_not_counted_twice() {
    let (parent, child, stranger) = (process(7, 1), process(8, 2), process(9, 3));
    let mut test = TableTest::new(&[(1, parent), (2, child), (3, stranger)]);
    test.processes.0.lock().parents.insert(child, parent);
    test.send(1, "twin-a-1");
    test.send(1, "twin-a-2");
    test.send(2, "twin-a-1");
    assert_eq!(test.after(SECOND), row("testhost:7", false));
    // A child with series of its own is an instance, and so is an unrelated process with the same
    // series.
    test.send(2, "twin-b-flush");
    test.send(3, "twin-a-2");
    assert_eq!(test.after(SECOND).len(), 3);
}

#[test]
fn the_number_of_instances_is_limited() {
    let owners: Vec<_> = (1..=4).map(|at| (at, process(at.into(), 1))).collect();
    let mut test = TableTest::new(&owners);
    for port in 1..=3 {
        assert!(matches!(test.send(port, "long-1"), IngestOutcome::Ingested(_)));
    }
    assert!(matches!(test.send(4, "long-1"), IngestOutcome::TooManyInstances));
}

#[test]
fn a_limited_number_of_ended_instances_is_remembered() {
    let mut test = TableTest::new(&[]);
    let ended = |at: usize| EndedInstance {
        label: format!("x:{at}"),
        user_name: None,
        process: None,
        times: ExportTimes::default(),
    };
    test.table.ended.extend((0..ENDED_MAX + 10).map(ended));
    test.after(SECOND);
    assert_eq!(test.table.ended.len(), ENDED_MAX);
    assert_eq!(test.table.ended[0].label, "x:10");
}
