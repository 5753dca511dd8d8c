//! What the receiver counts of its own work.

use prompush::{Counter, Gauge, Registry, RegistryError};

/// The counters, each held where it is counted.
#[derive(Clone, Debug)]
pub(super) struct Metrics {
    pub(super) registry: Registry,
    pub(super) requests_of_points: Counter,
    pub(super) requests_of_traces: Counter,
    pub(super) requests_of_logs: Counter,
    pub(super) requests_otherwise: Counter,
    pub(super) points_taken: Counter,
    pub(super) points_dropped: Counter,
    pub(super) undecodable: Counter,
    pub(super) points_queue_full: Counter,
    pub(super) too_many_instances: Counter,
    pub(super) traces_forwarded: Counter,
    pub(super) traces_without_target: Counter,
    pub(super) traces_queue_full: Counter,
    pub(super) traces_refused: Counter,
    pub(super) traces_failed: Counter,
    pub(super) traces_queued_bytes: Gauge,
    pub(super) instances: Gauge,
    pub(super) instances_ended: Counter,
}

impl Metrics {
    pub(super) fn new() -> Result<Self, RegistryError> {
        let registry = Registry::new();
        let requests = registry.counter_family(
            "prompush_receiver_requests_total",
            "Requests answered, by what they carry.",
            ["signal"],
        )?;
        let points = registry.counter_family(
            "prompush_receiver_points_total",
            "Points of metrics, by what became of them.",
            ["outcome"],
        )?;
        let dropped = registry.counter_family(
            "prompush_receiver_bodies_dropped_total",
            "Bodies of metrics that no instance got, by why.",
            ["reason"],
        )?;
        let traces = registry.counter_family(
            "prompush_receiver_traces_total",
            "Bodies of traces, by what became of them.",
            ["outcome"],
        )?;
        let queued = "Bytes of traces that wait for being forwarded.";
        let instances = "Instances that send and have not ended.";
        let ended = "Instances that have ended.";
        Ok(Self {
            requests_of_points: requests.with(["metrics"]).clone(),
            requests_of_traces: requests.with(["traces"]).clone(),
            requests_of_logs: requests.with(["logs"]).clone(),
            requests_otherwise: requests.with(["other"]).clone(),
            points_taken: points.with(["taken"]).clone(),
            points_dropped: points.with(["dropped"]).clone(),
            undecodable: dropped.with(["undecodable"]).clone(),
            points_queue_full: dropped.with(["queue_full"]).clone(),
            too_many_instances: dropped.with(["too_many_instances"]).clone(),
            traces_forwarded: traces.with(["forwarded"]).clone(),
            traces_without_target: traces.with(["no_target"]).clone(),
            traces_queue_full: traces.with(["queue_full"]).clone(),
            traces_refused: traces.with(["refused"]).clone(),
            traces_failed: traces.with(["failed"]).clone(),
            traces_queued_bytes: registry.gauge("prompush_receiver_traces_queued_bytes", queued)?,
            instances: registry.gauge("prompush_receiver_instances", instances)?,
            instances_ended: registry.counter("prompush_receiver_instances_ended_total", ended)?,
            registry,
        })
    }
}
