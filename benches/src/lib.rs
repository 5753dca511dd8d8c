//! What the benches share: the workload, the libraries that do it, and the proof that they all do
//! the same.
//!
//! [`Workload::FULL`] is 3,500 sample lines: 1,000 counters with three labels, 1,000 gauges with
//! two, and 100 histograms with two labels and twelve buckets.
//! Each library is a [`Peer`], ours one among them; [`for_each_peer!`] names them all once.
//! Nothing is timed before [`verify`] has read every library's output and found our samples in it.
#![forbid(unsafe_code)]

pub mod workload;

pub mod peer;

pub mod verify;

pub mod floor;

pub mod measure;

pub use peer::Peer;
pub use workload::Workload;
