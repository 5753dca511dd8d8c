//! A spool that several processes use at once, and a spool on a machine whose clock is set back.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prompush_core::clock::{Clock, SystemClock};
use prompush_core::{Format, GroupingKey, Registry};
use prompush_testing::{Answer, ScriptedServer, wait_until};
use tempfile::tempdir;

use crate::background::shared_state::SharedState;
use crate::client::Gateway;
use crate::exchange::GatewayConfig;
use crate::group_key::AnyGroupingKey;
use crate::outbox::Outbox;
use crate::payload::{Families, GroupChange};
use crate::self_metrics::SelfMetrics;
use crate::spool::fingerprint;
use crate::spool::{GatewaySpool, Record, ReplayOutcome, Spool};

const GROUP: &str = "/metrics/job/x";
/// Longer than any operation in these tests takes.
const SOON: Duration = Duration::from_secs(20);

fn group() -> AnyGroupingKey {
    AnyGroupingKey::from_path(GROUP).unwrap()
}

fn state(value: usize) -> GroupChange {
    let text = format!("# TYPE a gauge\na {value}\n").into_bytes();
    GroupChange::Push(Families::new(Format::Text, [(Arc::from("a"), Arc::from(text))]))
}

/// The spool of `dir`, with a state of [`GROUP`] that was created at that time.
fn spooled(dir: &Path, server: &ScriptedServer, created: SystemTime) -> Spool {
    let spool = Spool::new(dir);
    let base = server.url();
    let record = Record { base, key: group(), change: state(1), created, unconfirmed: Vec::new() };
    assert!(spool.store(vec![record]).iter().all(Result::is_ok));
    spool
}

fn key() -> GroupingKey {
    GroupingKey::new("x").unwrap()
}

fn now() -> SystemTime {
    SystemClock.wall()
}

fn config() -> GatewayConfig {
    GatewayConfig::default().proxy_from_environment(false)
}

#[test]
fn a_push_is_newer_than_a_spooled_state_even_if_the_clock_is_set_back() {
    let created = now() + Duration::from_hours(1);
    for by_outbox in [false, true] {
        let server = ScriptedServer::start([Answer::status(200)]);
        let dir = tempdir().unwrap();
        let spool = spooled(dir.path(), &server, created);
        if by_outbox {
            let builder = Outbox::builder(&server.url()).unwrap().config(config());
            let outbox = builder.spool(dir.path()).spawn().unwrap();
            outbox.push(&key(), &Registry::new()).unwrap();
            outbox.shutdown(SOON).unwrap();
        } else {
            let gateway = Gateway::with_config(&server.url(), config()).unwrap();
            gateway.spool(dir.path()).push(&key(), &Registry::new()).unwrap();
        }
        assert_eq!(spool.entries().unwrap().len(), 0, "by_outbox: {by_outbox}");
    }
}

#[test]
fn a_state_that_another_process_sends_does_not_come_last() {
    let server = ScriptedServer::start([Answer::status(200)]);
    let dir = tempdir().unwrap();
    spooled(dir.path(), &server, now());
    let gateway = Gateway::with_config(&server.url(), config()).unwrap().spool(dir.path());
    gateway.push(&key(), &Registry::new()).unwrap();
    assert_eq!(server.requests().len(), 2);
    gateway.push(&key(), &Registry::new()).unwrap();
    assert_eq!(server.requests().len(), 3, "nothing is kept any more");
}

/// Replays the state of that gateway. Another process removes the state after that many requests.
fn remove_at_request(server: &ScriptedServer, requests: usize) {
    let dir = tempdir().unwrap();
    let spool = spooled(dir.path(), server, now());
    let entry = &spool.entries().unwrap()[0];
    let gateway = Gateway::with_config(&server.url(), config()).unwrap();
    std::thread::scope(|scope| {
        let replayed = scope.spawn(|| spool.replay(&gateway, entry));
        wait_until(SOON, "the gateway is asked", || server.requests().len() == requests);
        assert!(spool.remove(entry).unwrap());
        server.release();
        assert_eq!(replayed.join().unwrap().unwrap(), ReplayOutcome::Gone);
    });
}

#[test]
fn a_state_that_becomes_obsolete_during_the_listing_is_not_sent() {
    let groups = Answer::status(200).body(r#"{"status":"success","data":[]}"#);
    let server = ScriptedServer::start([groups.held(), Answer::status(200)]);
    remove_at_request(&server, 1);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_spooled_state_counts_as_possibly_sent() {
    let dir = tempdir().unwrap();
    let connection = || Gateway::new("http://gw").unwrap().into_connection();
    let gateway_spool =
        GatewaySpool::new(Spool::new(dir.path()), connection().url.base().to_owned()).unwrap();
    let metrics = SelfMetrics::new(1).unwrap();
    let (shared, _calls) = SharedState::new(connection(), None, Some(gateway_spool), (0, metrics));
    let spool = Spool::new(dir.path());
    shared.add(&group(), state(1));
    shared.store();
    // The other process has sent it.
    spool.remove(&spool.entries().unwrap()[0]).unwrap();
    shared.add(&group(), state(2));
    shared.store();
    let record = spool.find(connection().url.base(), &group()).unwrap();
    assert_eq!(record.change, state(2));
    assert_eq!(record.unconfirmed, [fingerprint::of_change(&state(1), &group()).unwrap()]);
}

#[test]
fn the_group_is_listed_again_before_each_retry() {
    let groups = || Answer::status(200).body(r#"{"status":"success","data":[]}"#);
    let busy = Answer::status(503);
    let server = ScriptedServer::start([groups(), busy, groups().held(), Answer::status(200)]);
    remove_at_request(&server, 3);
    let methods: Vec<_> = server.requests().into_iter().map(|request| request.method).collect();
    assert_eq!(methods, ["GET", "PUT", "GET"]);
}
