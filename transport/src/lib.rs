//! Gets the metrics of programs that end before Prometheus can scrape them to a Pushgateway.
//!
//! A [`Gateway`] does one push, add or delete on the caller's thread, and lists what the gateway
//! holds.
//!
//! **Invariants.** Every wait has an end that the caller can set. Redirects are not followed. Credentials appear in no
//! message. There is no async runtime.
#![forbid(unsafe_code)]

mod gateway;

mod groups;

mod send;

mod body;

mod http;

mod verdict;

mod retry_after;

mod backoff;

mod clock;

mod url;

mod config;

mod reason;

mod hint;

mod error;

pub use config::GatewayConfig;
pub use error::{ConfigError, PushError, PushErrorKind, Verb};
pub use gateway::{Gateway, PushReport};
pub use groups::Group;
pub use url::RedactedUrl;

// What a program needs of the core, so that one dependency line is enough.
pub use prompush_core::{
    Buckets, Counter, CounterF64, Derived, EncodeError, Encoder, Exposition, Family, Format, Gauge,
    GroupingKey, GroupingKeyError, Histogram, Info, LabelName, LabelNames, LabelSet, MetricKind,
    MetricName, NameError, ParseError, ParseErrorKind, PathError, Registry, RegistryError, Source,
    decode_path, encode_path, is_label_name, is_metric_name, parse, parse_all,
};
