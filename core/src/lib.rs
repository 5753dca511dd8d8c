//! The core of prompush: metrics, registries, exposition formats and grouping keys.
//!
//! Nothing here does I/O, starts a thread, speaks HTTP or needs a runtime, so that most of it
//! cannot fail. A program depends on the crate `prompush`, which re-exports what it needs.
//!
//! ```
//! use prompush_core::{Encoder, Format, Registry};
//!
//! let registry = Registry::new();
//! let calls = registry.counter_family("calls_total", "Calls made.", ["tool"])?;
//! calls.with(["shell"]).inc();
//!
//! let mut encoder = Encoder::new(Format::Text);
//! let text = encoder.encode(&registry)?;
//! assert!(text.ends_with(b"calls_total{tool=\"shell\"} 1\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod config_setters;
mod name;

pub mod clock;
mod glob;

mod group_metrics;
mod grouping_key;

mod metric_kind;

mod counter;
mod gauge;
mod histogram;
mod info;
mod timer;

mod family;
mod registry;
mod series;

mod exposition;
mod format;
mod labels;

mod decimal;
mod encoder;
mod source;
pub mod text;

mod parse;
pub mod protobuf;

mod check_push;

mod prometheus_client;

mod error;

mod sync;

#[cfg(all(test, prompush_loom))]
mod models;

pub use check_push::{PushComplaint, PushComplaintKind, check_push};
pub use counter::{Counter, CounterF64};
pub use encoder::Encoder;
pub use error::{
    EncodeError, GroupingKeyError, NameError, OpenMetricsRule, ParseError, ParseErrorKind,
    PathError, ProtobufError, RegistryError,
};
pub use exposition::{
    Bucket, Exposition, HistogramValue, Label, Metric, MetricFamily, MetricType, MetricValue,
    Quantile, SummaryValue,
};
pub use family::{Derived, Family, LabelNames, LabelSet};
pub use format::Format;
pub use gauge::Gauge;
pub use glob::Glob;
pub use group_metrics::{PUSH_FAILURE_TIME, PUSH_TIME, PUSH_TTL, PUSH_TTL_HELP, push_ttl};
pub use grouping_key::{GroupingKey, decode_path, encode_path, percent_decode};
pub use histogram::{Buckets, Histogram};
pub use info::Info;
pub use labels::{Iter as LabelsIter, Labels};
pub use metric_kind::MetricKind;
pub use name::{LabelName, MetricName, is_label_name, is_metric_name};
pub use parse::{parse, parse_all};
pub use registry::Registry;
pub use source::Source;
pub use timer::Timer;
