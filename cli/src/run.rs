//! `prompush run`: runs a command as it would run without the wrapper, and pushes the outcome.
//!
//! [`job`] is the sequence of a run. [`supervise`] starts the command and waits for it. [`reporter`] pushes on another
//! thread, so that the command never waits for a gateway.

pub(crate) mod job;

pub(crate) mod destination;
pub(crate) mod group_template;
pub(crate) mod heartbeat;
pub(crate) mod job_metrics;
pub(crate) mod reporter;
pub(crate) mod supervise;
pub(crate) mod telemetry;
pub(crate) mod textfile;
pub(crate) mod textfile_check;
