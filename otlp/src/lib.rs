//! OTLP in, Prometheus metric families out.
//!
//! - [`Export::decode`] reads the body of an OTLP export of metrics.
//! - [`Instance`] accumulates the exports of one program and is a source of metrics to push.
//! - [`Rules`] decide which metrics and attributes become series.
//! - [`scrape::parse`] makes a strict exposition of a scraped body that is not quite one.
//! - `receiver`, with the feature `serve`, receives OTLP over HTTP and keeps one instance for
//!   each process that sends.
//!
//! **Invariants.** Without the feature `serve`, nothing here opens a socket, starts a thread or
//! reads a clock. Memory for a body is limited by the size of the body, and no body causes a panic.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::SystemTime;
//! use prompush_otlp::{Export, Instance, Rules};
//!
//! let rules = Rules::parse("keep instrumentation\n")?;
//! let instance = Instance::new(Arc::new(rules));
//! let body: &[u8] = &[]; // the body of a `POST /v1/metrics`
//! instance.ingest(&Export::decode(body)?, SystemTime::now());
//! // `instance` is a `prompush::Source`: push it, or encode it.
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod claimed_names;
mod decode;
mod names;

mod rules;

mod drop_counts;
mod instance;

pub mod scrape;

mod host_name;
#[cfg(feature = "serve")]
pub mod receiver;

mod error;

pub use decode::Export;
pub use drop_counts::{DropCause, DropNotice};
pub use error::{DecodeError, RulesError, ScrapeError};
pub use host_name::host_name;
pub use instance::{Ingested, Instance};
pub use rules::{FamilyAlias, Rules};
