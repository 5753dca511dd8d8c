//! Guards that no gateway, in whatever way it fails, holds a program beyond its deadline.
//!
//! Each operation runs a hundred times at once against each fault. Each run must end within its deadline
//! plus 100 ms. A busy machine gets several rounds, of which one has to succeed. In the last round the
//! allowance grows with the lateness of threads that only waited. This command prints the durations:
//! `cargo test -p prompush --test it deadlines -- --nocapture`.
#![allow(clippy::print_stdout, reason = "the table of what the operations took")]

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use prompush::{Gateway, GroupingKey, Pusher, Registry};
use prompush_testing::{Answer, BLACKHOLE, ScriptedServer, free_address, run_in_blackhole};

use crate::support::config;

const TIMES: usize = 100;
/// A small body has one line; a large one does not fit into the buffers of a connection.
const LINE_BYTES: usize = 4096;
const SMALL: usize = 1;
const LARGE: usize = 6 * 1024 * 1024;
const DEADLINE: Duration = Duration::from_millis(400);
/// The deadline of a pusher that is dropped.
const LONG: Duration = Duration::from_secs(5);
/// How late an operation may end after its deadline.
const ALLOWED: Duration = Duration::from_millis(100);
/// The time between two starts, because a hundred threads that wake at once wait for each other.
const STAGGER: Duration = Duration::from_millis(4);
/// How long the threads wait that do nothing else.
const WAIT: Duration = Duration::from_millis(400);
const ROUNDS_MAX: usize = 5;
/// How much later an operation may be than a thread that only waits: it has several threads and more work.
const LATENESS_FACTOR: u32 = 4;

/// Held during each measurement, so that only one fault is measured at a time.
static MACHINE: Mutex<()> = Mutex::new(());

/// A registry whose body has about that many bytes and is encoded quickly.
fn registry(bytes: usize) -> Registry {
    let registry = Registry::new();
    let rows = registry.gauge_family("rows", "Rows.", ["n"]).expect("a good name");
    for n in 0..bytes.div_ceil(LINE_BYTES) {
        rows.with([format!("{n:0LINE_BYTES$}").as_str()]).set(1.0);
    }
    registry
}

#[expect(clippy::disallowed_methods, reason = "how long it takes is measured from outside")]
fn now() -> Instant {
    Instant::now()
}

/// Sets an operation up, waits until all are ready, runs it, and returns its duration.
type Operation = fn(url: &str, source: &Registry, deadline: Duration) -> Duration;

fn timed(what: impl FnOnce()) -> Duration {
    let start = now();
    what();
    start.elapsed()
}

fn push(url: &str, source: &Registry, deadline: Duration) -> Duration {
    let gateway = Gateway::with_config(url, config().total_timeout(deadline)).expect("a URL");
    let key = GroupingKey::new("x").expect("a job");
    timed(|| drop(gateway.push(&key, source).expect_err("the gateway is dead")))
}

fn pusher(url: &str, source: &Registry, deadline: Duration) -> Pusher {
    let builder = Pusher::builder(url, "x").expect("a URL").config(config());
    builder.shutdown_deadline(deadline).spawn(source.clone()).expect("a thread")
}

fn flush(url: &str, source: &Registry, deadline: Duration) -> Duration {
    let pusher = pusher(url, source, deadline);
    timed(|| drop(pusher.flush(deadline).expect_err("the gateway is dead")))
}

fn shutdown(url: &str, source: &Registry, deadline: Duration) -> Duration {
    let pusher = pusher(url, source, deadline);
    timed(|| drop(pusher.shutdown(deadline).expect_err("the gateway is dead")))
}

fn dropped(url: &str, source: &Registry, deadline: Duration) -> Duration {
    let pusher = pusher(url, source, deadline);
    timed(|| drop(pusher))
}

const OPERATIONS: [(&str, Operation); 4] =
    [("push", push), ("flush", flush), ("shutdown", shutdown), ("drop", dropped)];

/// Waits on a channel, because tests do not call `sleep`.
fn pause(time: Duration) {
    assert!(crossbeam_channel::never::<()>().recv_timeout(time).is_err(), "nothing comes");
}

/// Locks the machine for one measurement, also in a child process.
fn alone() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn check(fault: &str, url: &str, body_bytes: usize) {
    check_with(fault, url, body_bytes, DEADLINE, &OPERATIONS);
}

fn check_with(
    fault: &str,
    url: &str,
    body_bytes: usize,
    deadline: Duration,
    operations: &[(&str, Operation)],
) {
    let source = registry(body_bytes);
    // A hundred large bodies at once would measure memory and the encoder instead.
    let at_once = if body_bytes == LARGE { TIMES / 10 } else { TIMES };
    for (name, operation) in operations {
        let mut rounds = 0;
        loop {
            rounds += 1;
            let took = measure(at_once, &|| operation(url, &source, deadline));
            let late = took.waits[TIMES - 1].saturating_sub(WAIT);
            let (median, worst) = (took.operations[TIMES / 2], took.operations[TIMES - 1]);
            println!(
                "{fault:34} {name:8} deadline {deadline:?}: median {median:.1?}, worst of {TIMES} \
                 {worst:.1?}; threads that only waited were late by {late:.1?}"
            );
            if worst <= deadline + ALLOWED {
                break;
            }
            // A busy machine gets more rounds, and then an allowance for its lateness.
            let is_last = rounds == ROUNDS_MAX;
            assert!(
                !is_last || worst <= deadline + ALLOWED + LATENESS_FACTOR * late,
                "{fault}, {name}: {worst:?}, and the machine was late by {late:?}"
            );
            if is_last {
                break;
            }
        }
    }
}

/// The sorted durations.
struct Took {
    operations: Vec<Duration>,
    /// The durations of threads that only waited.
    waits: Vec<Duration>,
}

fn measure(at_once: usize, operation: &(dyn Fn() -> Duration + Sync)) -> Took {
    let mut took = Took { operations: Vec::new(), waits: Vec::new() };
    for _ in 0..TIMES / at_once {
        thread::scope(|scope| {
            let runs: Vec<_> = (0..at_once)
                .map(|_| {
                    pause(STAGGER);
                    (scope.spawn(operation), scope.spawn(|| timed(|| pause(WAIT))))
                })
                .collect();
            for (operation, wait) in runs {
                took.operations.push(operation.join().expect("it ended"));
                took.waits.push(wait.join().expect("it ended"));
            }
        });
    }
    took.operations.sort_unstable();
    took.waits.sort_unstable();
    took
}

#[test]
fn a_gateway_that_refuses() {
    let _alone = alone();
    check("refuses", &format!("http://{}", free_address()), SMALL);
}

#[test]
fn a_gateway_that_accepts_and_never_answers() {
    let _alone = alone();
    let server = ScriptedServer::start([Answer::Hang]);
    check("never answers", &server.url(), SMALL);
    // A read timeout of a socket is late by an eighth of itself at worst.
    check_with("never answers", &server.url(), SMALL, LONG, &[("push", push)]);
    let server = ScriptedServer::start([Answer::HangUnread]);
    let operations = [("push", push as Operation), ("shutdown", shutdown)];
    check_with("never reads, large body", &server.url(), LARGE, DEADLINE, &operations);
}

#[test]
fn a_gateway_that_answers_one_byte_a_second() {
    let _alone = alone();
    let drip = Answer::status(200).dripped(Duration::from_secs(1));
    let server = ScriptedServer::start([drip]);
    check("one byte a second", &server.url(), SMALL);
}

#[test]
fn a_gateway_that_stalls_tls() {
    let _alone = alone();
    let server = ScriptedServer::start([Answer::HangUnread]);
    check("stalls TLS", &server.url().replace("http://", "https://"), SMALL);
}

#[test]
fn a_gateway_that_drops_packets() {
    let _alone = alone();
    if run_in_blackhole("deadlines::a_gateway_that_drops_packets") {
        check("drops packets", &format!("http://{BLACKHOLE}"), SMALL);
        check("drops packets, TLS", &format!("https://{BLACKHOLE}"), SMALL);
    }
}

#[test]
fn a_name_server_that_never_answers() {
    let _alone = alone();
    if run_in_blackhole("deadlines::a_name_server_that_never_answers") {
        check("names are never looked up", "http://gateway.example:9091", SMALL);
    }
}
