//! The metrics of the receiver itself.

use prompush::{Counter, Gauge, Registry, RegistryError};

/// Handles to the metrics of the receiver, and the registry that holds them.
#[derive(Clone, Debug)]
pub(crate) struct ReceiverMetrics {
    pub(crate) registry: Registry,
    pub(crate) metrics_requests: Counter,
    pub(crate) traces_requests: Counter,
    pub(crate) logs_requests: Counter,
    pub(crate) other_requests: Counter,
    pub(crate) points_taken: Counter,
    pub(crate) points_dropped: Counter,
    pub(crate) bodies_undecodable: Counter,
    pub(crate) bodies_queue_full: Counter,
    pub(crate) bodies_too_many_instances: Counter,
    pub(crate) traces_forwarded: Counter,
    pub(crate) traces_no_target: Counter,
    pub(crate) traces_queue_full: Counter,
    pub(crate) traces_refused: Counter,
    pub(crate) traces_failed: Counter,
    pub(crate) traces_queued_bytes: Gauge,
    pub(crate) instances: Gauge,
    pub(crate) instances_ended: Counter,
}

impl ReceiverMetrics {
    pub(crate) fn new() -> Result<Self, RegistryError> {
        let registry = Registry::new();
        let requests = registry.counter_family(
            "prompush_receiver_requests_total",
            "Requests answered, by the telemetry signal that they carry.",
            ["signal"],
        )?;
        let points = registry.counter_family(
            "prompush_receiver_points_total",
            "Points of metrics: taken, or dropped by a rule or a limit.",
            ["outcome"],
        )?;
        let dropped = registry.counter_family(
            "prompush_receiver_bodies_dropped_total",
            "Bodies of metrics that were dropped, by reason.",
            ["reason"],
        )?;
        let traces = registry.counter_family(
            "prompush_receiver_traces_total",
            "Bodies of traces, by outcome.",
            ["outcome"],
        )?;
        let queued = "Bytes of traces that wait to be forwarded.";
        let instances = "Instances that send and have not ended.";
        let ended = "Instances that have ended.";
        Ok(Self {
            metrics_requests: requests.with(["metrics"]).clone(),
            traces_requests: requests.with(["traces"]).clone(),
            logs_requests: requests.with(["logs"]).clone(),
            other_requests: requests.with(["other"]).clone(),
            points_taken: points.with(["taken"]).clone(),
            points_dropped: points.with(["dropped"]).clone(),
            bodies_undecodable: dropped.with(["undecodable"]).clone(),
            bodies_queue_full: dropped.with(["queue_full"]).clone(),
            bodies_too_many_instances: dropped.with(["too_many_instances"]).clone(),
            traces_forwarded: traces.with(["forwarded"]).clone(),
            traces_no_target: traces.with(["no_target"]).clone(),
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
