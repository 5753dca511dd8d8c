//! What `prompush run` consists of.

pub(crate) mod command;
pub(crate) mod ending;
pub(crate) mod group;
pub(crate) mod heartbeat;
pub(crate) mod hiding;
pub(crate) mod inherited;
pub(crate) mod job_metrics;
pub(crate) mod own_metrics;
pub(crate) mod relay;
pub(crate) mod report;
pub(crate) mod signals;
pub(crate) mod supervise;
pub(crate) mod telemetry;
pub(crate) mod textfile;
pub(crate) mod usage;
pub(crate) mod witness;
