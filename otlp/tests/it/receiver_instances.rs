//! Guards: each process is one instance, whatever resource it exports and however often it connects.

use std::collections::BTreeSet;

use prompush_otlp::receiver::{InstanceMode, InstanceSnapshot, OtlpReceiver, ReceiverConfig};
use prompush_testing::wait_until;

use crate::otlp_client::{Client, ClientProcess};
use crate::support::{
    SOON, counted, receiver, receiver_with, samples, wait_for_count, wait_for_instances,
};

const TAKEN: &str = "prompush_receiver_points_total{outcome=\"taken\"}";

fn labels(instances: &[InstanceSnapshot]) -> BTreeSet<String> {
    instances.iter().map(|instance| instance.label().to_owned()).collect()
}

/// Waits until that many points have been taken, and returns the instances.
fn after(receiver: &OtlpReceiver, points: u64) -> Vec<InstanceSnapshot> {
    wait_for_count(receiver, TAKEN, points);
    receiver.instances()
}

/// Two processes that have sent all their exports, taking turns.
fn twins(receiver: &OtlpReceiver) -> (ClientProcess, ClientProcess) {
    let mut a = ClientProcess::start(receiver.address());
    let mut b = ClientProcess::start(receiver.address());
    a.post("/v1/metrics", "twin-a-1");
    b.post("/v1/metrics", "twin-b-flush");
    a.post("/v1/metrics", "twin-a-2");
    b.post("/v1/metrics", "twin-b-shutdown");
    a.post("/v1/metrics", "twin-a-shutdown");
    (a, b)
}

#[cfg(target_os = "linux")]
#[test]
fn twins_at_once_are_two_instances_by_their_process_ids() {
    let receiver = receiver();
    let (a, b) = twins(&receiver);
    let expected: BTreeSet<_> = [a.pid(), b.pid()].map(|pid| format!("testhost:{pid}")).into();
    let instances = wait_for_instances(&receiver, "two instances", |all| labels(all) == expected);
    assert_eq!(instances.len(), 2);
    let (pid_a, pid_b) = (a.pid(), b.pid());
    a.end();
    b.end();
    let mut ended = BTreeSet::new();
    wait_for_instances(&receiver, "both have ended", |all| {
        ended.extend(
            all.iter().filter(|it| it.has_ended()).filter_map(InstanceSnapshot::process_id),
        );
        ended == BTreeSet::from([pid_a, pid_b])
    });
    assert_eq!(receiver.instances().len(), 0, "what has ended is forgotten");
}

#[test]
fn the_exports_of_two_processes_are_kept_apart() {
    let receiver = receiver();
    let _twins = twins(&receiver);
    let points = 11 + 27 + 19 + 27 + 21;
    let dropped = "prompush_receiver_points_total{outcome=\"dropped\"}";
    wait_until(SOON, "every point came", || {
        counted(&receiver, TAKEN) + counted(&receiver, dropped) >= points
    });
    let requests: Vec<_> = receiver
        .instances()
        .iter()
        .map(|instance| samples(instance, "llm_requests_total"))
        .collect();
    // The JSON of the captures has five requests for one twin, and ten for the other.
    let of =
        |count: &str| requests.iter().filter(|it| it.len() == 1 && it[0].ends_with(count)).count();
    assert_eq!(requests.len(), 2, "{requests:#?}");
    assert_eq!((of(A_REQUESTS), of(B_REQUESTS)), (1, 1), "{requests:#?}");
}

/// The request counts in the last export of each twin.
const A_REQUESTS: &str = " 5";
const B_REQUESTS: &str = " 10";

#[test]
fn a_reopened_connection_is_no_new_instance() {
    let receiver = receiver();
    let mut client = ClientProcess::start(receiver.address());
    client.post("/v1/metrics", "twin-a-1");
    client.reconnect();
    client.post("/v1/metrics", "twin-a-2");
    client.reconnect();
    client.post("/v1/metrics", "twin-a-shutdown");
    assert_eq!(after(&receiver, 3).len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_continues_the_series_of_an_earlier_one_is_the_same_instance() {
    let receiver = receiver();
    let mut seen = BTreeSet::new();
    for (at, name) in ["twin-a-1", "twin-a-2", "twin-a-shutdown"].into_iter().enumerate() {
        let mut client = ClientProcess::start(receiver.address());
        client.post("/v1/metrics", name);
        client.end();
        // Each process must have ended before the next one continues the instance.
        wait_for_instances(&receiver, "it has ended", |all| {
            seen.extend(labels(all));
            all.iter().any(InstanceSnapshot::has_ended)
        });
        assert_eq!(seen.len(), 1, "after {at}: {seen:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_same_bytes_of_two_processes_at_once_are_two_instances() {
    let receiver = receiver();
    let mut clients = [(); 2].map(|()| ClientProcess::start(receiver.address()));
    for client in &mut clients {
        client.post("/v1/metrics", "basic-shutdown");
    }
    let instances = wait_for_instances(&receiver, "two instances", |all| all.len() == 2);
    assert_eq!(labels(&instances).len(), 2);
}

#[test]
fn an_instance_has_the_name_that_the_user_gives_it() {
    let receiver = receiver();
    let mut by_id = ClientProcess::start(receiver.address());
    by_id.post("/v1/metrics", "agent-resource"); // service.instance.id=run-42
    let mut by_path = ClientProcess::start(receiver.address());
    by_path.post("/nightly/v1/metrics", "twin-a-1");
    by_path.post("/nightly/v1/metrics", "twin-a-2");
    // Another process with the same path is still another instance.
    let mut beside = ClientProcess::start(receiver.address());
    beside.post("/nightly/v1/metrics", "twin-b-flush");
    let instances = wait_for_instances(&receiver, "three instances", |all| all.len() == 3);
    let expected = ["nightly", "nightly-2", "run-42"].map(str::to_owned);
    assert_eq!(labels(&instances), expected.into());

    // When the process has ended, the name is free for the next one.
    by_id.end();
    let has_ended =
        |all: &[InstanceSnapshot]| all.iter().any(|it| it.label() == "run-42" && it.has_ended());
    wait_for_instances(&receiver, "it has ended", has_ended);
    let mut next = ClientProcess::start(receiver.address());
    next.post("/run-42/v1/metrics", "long-1");
    let is_there =
        |all: &[InstanceSnapshot]| all.iter().any(|it| it.label() == "run-42" && !it.has_ended());
    wait_for_instances(&receiver, "the next one", is_there);
}

#[test]
fn in_single_mode_one_instance_takes_everything() {
    let receiver = receiver_with(ReceiverConfig::default().instance_mode(InstanceMode::Single));
    let mut client = ClientProcess::start(receiver.address());
    client.post("/v1/metrics", "twin-a-shutdown");
    Client::connect(receiver.address()).post_metrics("basic-shutdown");
    client.end();
    receiver.stop(SOON);
    let instances = receiver.instances();
    assert_eq!(instances.len(), 1);
    assert!(!instances[0].has_ended() && instances[0].is_changed());
    assert!(!receiver.instances()[0].is_changed(), "it has not since it was asked for");
}

#[test]
fn the_metrics_of_a_killed_process_remain() {
    let receiver = receiver();
    let mut client = ClientProcess::start(receiver.address());
    client.post("/v1/metrics", "long-1");
    client.kill();
    let ended = wait_for_instances(&receiver, "it has ended", |all| {
        all.iter().any(InstanceSnapshot::has_ended)
    });
    assert!(!samples(&ended[0], "tokens_processed_total").is_empty());
}
