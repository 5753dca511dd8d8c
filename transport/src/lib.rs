//! Gets the metrics of programs that end before Prometheus can scrape them to a Pushgateway.
//!
//! A [`Pusher`] pushes a [`Registry`] (or a `prometheus_client` one, or several [`Source`]s) from a
//! thread of its own: at once, then every interval, and a last time at the end, within a deadline.
//! Recording never waits for it. An [`Outbox`] does the same for any number of groups, told what to
//! push, add or delete. A [`Gateway`] does one of these on the caller's thread, and lists what the
//! gateway holds.
//!
//! ```no_run
//! use std::time::Duration;
//! use prompush::{Pusher, Registry};
//!
//! let registry = Registry::new();
//! let rows = registry.counter("rows_processed_total", "Rows processed.")?;
//! let calls = registry.counter_family("tool_calls_total", "Tool calls made.", ["tool", "success"])?;
//!
//! let pusher = Pusher::builder("http://localhost:9091", "nightly_import")? // gateway, job
//!     .group("instance", "host-1")
//!     .interval(Duration::from_secs(30))
//!     .spawn(registry.clone())?; // or a prometheus_client::registry::Registry, or several sources
//!
//! rows.inc();
//! calls.with(["shell", "true"]).inc();
//!
//! pusher.shutdown(Duration::from_secs(5))?; // the last push; dropping the pusher does the same
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Invariants.** Every wait has an end that the caller can set. One request is in flight per
//! gateway, and it carries the newest state of its group: a push replaces, so repeating one is
//! harmless and an older one is never sent after a newer. Redirects are not followed. Credentials appear in no
//! message. There is no async runtime.
#![forbid(unsafe_code)]

mod outbox;
mod outbox_builder;
mod pusher;

mod background;
mod client;
mod exchange;
mod payload;
mod spool;

mod http;

mod error;
mod group_key;

mod metrics;

pub use client::delete::DeleteOutcome;
pub use client::expiry::Expiry;
pub use client::gateway::{Gateway, PushReport};
pub use client::gc::{ExpiredGroup, GcEvent, GcOptions, GcReport};
pub use client::http_client::{HttpAnswer, HttpClient, HttpError};
pub use client::selector::GroupSelector;
pub use error::config::ConfigError;
pub use error::hint::{Hint, OptionNames};
pub use error::kind::PushErrorKind;
pub use error::push_error::PushError;
pub use error::redacted_url::RedactedUrl;
pub use error::spool::{SpoolError, SpoolFault};
pub use error::verb::Verb;
pub use exchange::config::GatewayConfig;
pub use exchange::groups::{Group, Inventory};
pub use exchange::retry::{FailedAttempt, RetryPolicy, retry};
pub use group_key::AnyGroupingKey;
pub use http::credentials::Credentials;
pub use http::secret::Secret;
pub use http::tls::Tls;
pub use http::url::HttpUrl;
pub use metrics::self_metrics::SelfMetrics;
pub use outbox::Outbox;
pub use outbox_builder::OutboxBuilder;
#[cfg(feature = "process")]
pub use prompush_process_metrics::ProcessMetrics;
pub use pusher::{AtEnd, Pusher, PusherBuilder};
pub use spool::directory::{Spool, SpoolEntry};
pub use spool::replay::{ReplayError, ReplayOutcome};

// What a program needs of the core, so that one dependency line is enough.
pub use prompush_core::{
    Bucket, Buckets, Counter, CounterF64, DerivedLabels, EncodeError, Encoder, Exposition, Family,
    Format, Gauge, GroupingKey, GroupingKeyError, Histogram, HistogramValue, Info, Label,
    LabelName, LabelNames, LabelSet, Labels, LabelsIter, Metric, MetricFamily, MetricKind,
    MetricName, MetricType, MetricValue, NameError, OpenMetricsRule, PUSH_FAILURE_TIME, PUSH_TIME,
    PUSH_TTL, PUSH_TTL_HELP, ParseError, ParseErrorKind, PathError, ProtobufError, Quantile,
    Registry, RegistryError, Source, SummaryValue, Timer, decode_path, encode_path, is_label_name,
    is_metric_name, parse, parse_all, push_ttl,
};

/// The README's program compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
