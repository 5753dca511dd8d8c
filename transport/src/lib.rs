//! Gets the metrics of programs that end before Prometheus can scrape them to a Pushgateway.
//!
//! | type | use |
//! |---|---|
//! | [`Pusher`] | pushes one [`Registry`], or another [`Source`], from a background thread: at once, at every interval, and a last time at the end |
//! | [`Outbox`] | pushes, adds and deletes any number of groups from a background thread |
//! | [`Gateway`] | makes one push, add or delete on the calling thread; lists groups and deletes expired ones |
//!
//! Recording a metric never waits for a gateway. Every operation returns within a deadline that the
//! program can set.
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
//! **Invariants.**
//! - Every wait has an end that the program can set.
//! - One request at a time is in flight for each gateway of a [`Pusher`] or an [`Outbox`], and it carries
//!   the newest state of its group. Repeating a push is harmless, because a push replaces state. An older
//!   state is never sent after a newer one.
//! - Redirects are not followed.
//! - No message shows credentials.
//! - There is no async runtime.
#![forbid(unsafe_code)]

mod pusher;

mod outbox;
mod outbox_builder;

mod background;
mod client;

mod spool;

mod exchange;

mod payload;

mod http;

mod group_key;

mod error;

mod self_metrics;

pub use client::delete::DeleteOutcome;
pub use client::expiry::Expiry;
pub use client::gateway::{Gateway, PushReport};
pub use client::gc::{ExpiredGroup, GcEvent, GcOptions, GcReport};
pub use client::group_selector::GroupSelector;
pub use client::http_client::{HttpAnswer, HttpClient, HttpError};
pub use error::config::ConfigError;
pub use error::hint::{Hint, OptionNames};
pub use error::kind::PushErrorKind;
pub use error::push_error::PushError;
pub use error::redacted_url::RedactedUrl;
pub use error::spool::{SpoolError, SpoolFault};
pub use error::verb::Verb;
pub use exchange::gateway_config::GatewayConfig;
pub use exchange::group_list::{Group, Inventory};
pub use exchange::retry::{FailedAttempt, RetryPolicy, retry};
pub use group_key::AnyGroupingKey;
pub use http::credentials::Credentials;
pub use http::secret::Secret;
pub use http::tls::Tls;
pub use http::url::HttpUrl;
pub use outbox::Outbox;
pub use outbox_builder::OutboxBuilder;
#[cfg(feature = "process")]
pub use prompush_process_metrics::ProcessMetrics;
pub use pusher::{AtEnd, Pusher, PusherBuilder};
pub use self_metrics::SelfMetrics;
pub use spool::directory::{Spool, SpoolEntry};
pub use spool::replay::{ReplayError, ReplayOutcome};

// The part of the core that a program needs, so that one dependency is enough.
pub use prompush_core::{
    Bucket, Buckets, Counter, CounterF64, DerivedLabels, EncodeError, Encoder, Exposition, Family,
    Format, Gauge, GroupingKey, GroupingKeyError, Histogram, HistogramValue, Info, Label,
    LabelName, LabelNames, LabelSet, Labels, LabelsIter, Metric, MetricFamily, MetricKind,
    MetricName, MetricType, MetricValue, NameError, OpenMetricsRule, PUSH_FAILURE_TIME, PUSH_TIME,
    PUSH_TTL, PUSH_TTL_HELP, ParseError, ParseErrorKind, PathError, ProtobufError, Quantile,
    Registry, RegistryError, Source, SummaryValue, Timer, check, clock, decode_path, encode_path,
    is_label_name, is_metric_name, parse, parse_all, push_ttl,
};

/// The README's program compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
