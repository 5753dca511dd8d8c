//! `prompush demo`: three programs that push, shown while they run.
//!
//! Each worker is a process of its own: this same binary, which records and pushes with the library. It reports over a
//! pipe how much it has recorded. The demo reads back from the gateway how much has arrived, as Prometheus reads it. So
//! the demo knows what was lost.

mod results;
mod schedule;
mod screen;
mod session;
pub(crate) mod worker;
mod worker_processes;

pub(crate) use session::run;
