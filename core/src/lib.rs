//! The core of prompush: metrics, registries, exposition formats and grouping keys.
//!
//! This crate does no I/O, starts no thread, knows no HTTP and needs no runtime. So most of its functions
//! cannot fail. A program depends on the crate `prompush`, which re-exports what a program needs.
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

pub mod clock;
mod config_setters;
mod glob;

mod grouping_key;
mod name;

mod labels;
mod metrics;

mod collect;
mod exposition;
mod group_metrics;

pub mod check;

mod prometheus_client;

mod error;
mod sync;

/// The writers of the text formats, for programs that put an exposition together by themselves.
///
/// Most programs use an [`Encoder`] instead.
pub mod text {
    pub use crate::collect::to_string;
    pub use crate::exposition::text::{
        WriteNumber, WrittenSamples, write_float, write_float_go, write_help, write_histogram,
        write_label_value, write_labels, write_metric, write_sample, write_summary,
    };
}

pub use check::{PushProblem, PushProblemKind, check_push};
pub use collect::{Encoder, Source};
pub use error::{
    EncodeError, GroupingKeyError, NameError, OpenMetricsRule, ParseError, ParseErrorKind,
    PathError, ProtobufError, RegistryError,
};
pub use exposition::{
    Bucket, Exposition, Format, HistogramValue, Metric, MetricFamily, MetricType, MetricValue,
    Quantile, SummaryValue, parse, parse_all, protobuf, sample_names,
};
pub use glob::Glob;
pub use group_metrics::{PUSH_FAILURE_TIME, PUSH_TIME, PUSH_TTL, PUSH_TTL_HELP, push_ttl};
pub use grouping_key::{GroupingKey, decode_path, encode_path, percent_decode};
pub use labels::{Iter as LabelsIter, Label, LabelNames, LabelSet, Labels};
pub use metrics::{
    Buckets, Counter, CounterF64, Family, Gauge, Histogram, Info, MetricKind, Registry, Summary,
    Timer,
};
pub use name::{LabelName, MetricName, is_label_name, is_metric_name};
pub use prometheus_client::label_set::DerivedLabels;
