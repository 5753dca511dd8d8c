//! An OTLP/HTTP receiver that costs its senders nothing.
//!
//! [`OtlpReceiver`] acknowledges every export at once, and decodes, ingests and forwards on
//! threads of its own. This matters because exporters wait: the exporter of the Python SDK holds
//! up the end of its program for minutes when its endpoint answers 5xx or nothing, and prints an
//! error for every 4xx.
//!
//! Metrics become [`InstanceSnapshot`]s, one for each instance, which the caller pushes. Traces
//! are forwarded unchanged to another endpoint, or dropped. A [`Scraper`] makes the same
//! snapshots of programs that serve their metrics instead of sending them.
//!
//! An export of metrics passes through these steps:
//! 1. `handler`, on the thread of the HTTP server, acknowledges the request and puts the body into
//!    `event_queue`. For a new connection it first looks up the client's process
//!    (`system_processes`).
//! 2. `ingest_worker`, on a thread of its own, decompresses and decodes the body.
//! 3. `instance_table` finds or creates the instance that the sending process is, and ingests the
//!    export.
//! 4. [`OtlpReceiver::instances`] returns a snapshot of each instance.
//!
//! A request with traces goes from `handler` to `traces_forwarder`, which has a thread of its own.
//!
//! **Invariants**
//! - No request waits for decoding, for a gateway or for a collector.
//! - Everything has a limit, and whatever exceeds it is counted.
//! - Traces are never read, logged or stored.
//!
//! ```no_run
//! use std::time::Duration;
//! use prompush_otlp::receiver::{OtlpReceiver, ReceiverConfig};
//!
//! let receiver = OtlpReceiver::bind("127.0.0.1:0", ReceiverConfig::default())?;
//! println!("export OTEL_EXPORTER_OTLP_ENDPOINT={}", receiver.endpoint());
//! receiver.wait(Duration::from_secs(30));
//! for instance in receiver.instances() {
//!     println!("{} has ended: {}", instance.label(), instance.has_ended());
//! }
//! receiver.stop(Duration::from_secs(2));
//! # Ok::<(), prompush_otlp::receiver::ReceiverError>(())
//! ```

mod config;
mod otlp_receiver;
mod snapshot;

mod event_queue;
mod handler;
mod open_connections;

mod export_times;
mod ingest_worker;
mod instance_table;

mod port_holder;
mod process_identity;
#[cfg(target_os = "linux")]
mod sock_diag;
mod system_processes;

mod scraper;
mod traces_forwarder;

mod receiver_metrics;

mod error;

pub use config::{InstanceMode, ReceiverConfig};
pub use error::ReceiverError;
pub use otlp_receiver::OtlpReceiver;
pub use port_holder::PortHolder;
pub use scraper::{Scraper, ScraperConfig};
pub use snapshot::InstanceSnapshot;
