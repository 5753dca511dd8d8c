//! The shared parts of the benches: the workload, the libraries, and the check that all libraries do the same work.
//!
//! [`Workload::FULL`] is 3,500 sample lines: 1,000 counters with three labels, 1,000 gauges with
//! two, and 100 histograms with two labels and twelve buckets.
//! Each library is a [`Peer`], prompush among them; [`for_each_peer!`] is the only list of them.
//! [`verify`] parses the output of every library and compares it with ours before anything is timed.
#![forbid(unsafe_code)]

pub mod workload;

pub mod peer;

pub mod verify;

pub mod floor;

pub mod measure;

pub use peer::Peer;
pub use workload::Workload;
