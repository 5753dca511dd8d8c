//! The errors of the gateway: the reasons why it does not run, and why it refuses a push.
//!
//! The texts of [`PushBodyError`], [`Inconsistency`] and [`StoreError`] go to clients. Where upstream has a text for
//! the same fault, ours is the same.

use std::io;

use prompush_core::{ParseErrorKind, PathError, ProtobufError};
use prompush_http_server::ServeError;

/// Why the gateway did not start, or why it ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// The HTTP server did not start, or it ended.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// Why a push is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PushRefusal {
    /// The path does not name a group. The answer is 400.
    #[error(transparent)]
    Path(PathError),
    /// The body is not an exposition. The answer is 400, or 413 if the body is too large.
    #[error(transparent)]
    Body(#[from] PushBodyError),
    /// The store does not take the push. The answer is 400, or 503 if the store is full.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a body is not an exposition. Such a push does not count as a failure of its group.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PushBodyError {
    /// The body is empty, but `Content-Encoding` is `gzip`.
    #[error("EOF")]
    Empty,
    /// The compressed body is truncated.
    #[error("unexpected EOF")]
    Truncated,
    /// `Content-Encoding` is `gzip`, but the body does not begin like a gzip file.
    #[error("gzip: invalid header")]
    GzipHeader,
    /// A checksum or a code in the gzip body is wrong.
    #[error("gzip: corrupt input: {0}")]
    Gzip(#[source] io::Error),
    /// `Content-Encoding` is `snappy`, but the body is not in the framed snappy format.
    #[error("snappy: corrupt input")]
    Snappy,
    /// The decompressed body is larger than the limit, in bytes.
    #[error("the decompressed body is larger than {0} bytes")]
    TooLarge(usize),
    /// The text is malformed.
    #[error("text format parsing error in line {line}: {kind}")]
    Text {
        /// The line of the body, counted from 1.
        line: usize,
        /// The fault in that line.
        kind: ParseErrorKind,
    },
    /// The delimited protobuf messages are malformed.
    #[error("{0}")]
    Protobuf(#[source] ProtobufError),
}

/// Why a well-formed push is not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    /// The push would make the exposition inconsistent.
    #[error("pushed metrics are invalid or inconsistent with existing metrics: {0}")]
    Inconsistent(#[from] Inconsistency),
    /// The push would exceed a limit of the store.
    #[error("the gateway is full: more than {limit} {unit}")]
    Full {
        /// The limit.
        limit: usize,
        /// The things that the limit counts, such as `groups`.
        unit: &'static str,
    },
}

/// How a push would make the exposition inconsistent.
///
/// In every variant, `family` is the name of the pushed metric family as it would be exposed, and `labels` are the
/// labels of the metric as they would be exposed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Inconsistency {
    /// A sample has a timestamp.
    #[error("pushed metrics must not have timestamps")]
    Timestamp,
    /// A metric family has no name. Only a protobuf body can contain one.
    #[error("collected metric family has no name")]
    NoName,
    /// The name of a label is empty or begins with `__`.
    #[error("collected metric \"{family}\" {{{labels}}} has a label with an invalid name: {label}")]
    LabelName { family: String, labels: String, label: String },
    /// Two labels of a metric have the same name. Only a protobuf body can contain them.
    #[error(
        "collected metric \"{family}\" {{{labels}}} has two or more labels with the same name: {label}"
    )]
    DuplicateLabel { family: String, labels: String, label: String },
    /// A summary is pushed to a group with a label `quantile`, or a histogram to a group with a label `le`.
    #[error(
        "collected metric \"{family}\" {{{labels}}} must not have an explicit label \"{label}\", which is of a {metric_type}'s own samples"
    )]
    SampleLabel { family: String, labels: String, label: &'static str, metric_type: &'static str },
    /// The value does not fit the type of the family. `metric_type` is upper case.
    #[error("collected metric \"{family}\" {{{labels}}} is not a {metric_type}")]
    Value { family: String, labels: String, metric_type: String },
    /// The series occurs twice: in this push, or also in another group.
    #[error(
        "collected metric \"{family}\" {{{labels}}} was collected before with the same name and label values"
    )]
    Duplicate { family: String, labels: String },
    /// Another group has the family with another type. Both types are upper case.
    #[error("collected metric family \"{family}\" is not a {existing}: it is a {pushed}")]
    TypeClash { family: String, existing: String, pushed: String },
    /// The gateway itself has a family of that name with another type. Both types are upper case.
    #[error("gathered metric family {family} has type {pushed} but should have {existing}")]
    OwnType { family: String, existing: String, pushed: String },
    /// The name of the family is the name of a sample of the family `other`, or the other way round.
    /// `what` is `histogram`, `summary` or `metric`.
    #[error(
        "collected metric named \"{family}\" collides with previously collected {what} named \"{other}\""
    )]
    Suffix { family: String, what: &'static str, other: String },
    /// The path has a label value that is not UTF-8.
    #[error("the grouping key has a label whose value is not utf8")]
    NotUtf8,
}
