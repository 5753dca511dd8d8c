//! What can go wrong before or while the server runs, and why a push is refused.

use std::io;

use prompush_http_server::ServeError;

/// Why the gateway did not start, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// The HTTP server did not start, or had to end.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// Why a body is not an exposition. Nothing is stored or noted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// An empty body under `Content-Encoding: gzip`.
    #[error("EOF")]
    Empty,
    /// The compressed body ends too early.
    #[error("unexpected EOF")]
    Truncated,
    /// The body is not what its `Content-Encoding` says.
    #[error("gzip: invalid header")]
    GzipHeader,
    /// A checksum or a code within the gzip body is wrong.
    #[error("gzip: corrupt input: {0}")]
    Gzip(#[source] io::Error),
    /// The body is not a snappy stream.
    #[error("snappy: corrupt input")]
    Snappy,
    /// Decompressed, the body is larger than the limit in bytes.
    #[error("the decompressed body is larger than {0} bytes")]
    TooLarge(usize),
    /// The text does not parse.
    #[error("text format parsing error in line {line}: {kind}")]
    Text {
        /// Line of the body, from 1.
        line: usize,
        /// What is wrong there.
        kind: prompush_core::ParseErrorKind,
    },
    /// The delimited protobuf messages do not decode.
    #[error("{0}")]
    Protobuf(#[source] prompush_core::ProtobufError),
}

/// Why a well-formed push is refused: it would spoil the exposition.
///
/// Names and labels in the texts are as exposed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Inconsistency {
    /// A sample has a timestamp.
    #[error("pushed metrics must not have timestamps")]
    Timestamp,
    /// A metric family without a name, which only protobuf can say.
    #[error("collected metric family has no name")]
    NoName,
    /// A label's name is empty or begins with `__`.
    #[error("collected metric \"{family}\" {{{labels}}} has a label with an invalid name: {label}")]
    LabelName {
        /// The metric family.
        family: String,
        /// The labels, rendered.
        labels: String,
        /// The name in question.
        label: String,
    },
    /// A label name twice, which only protobuf can say.
    #[error(
        "collected metric \"{family}\" {{{labels}}} has two or more labels with the same name: {label}"
    )]
    LabelTwice {
        /// The metric family.
        family: String,
        /// The labels, rendered.
        labels: String,
        /// The name in question.
        label: String,
    },
    /// A summary under a `quantile`, or a histogram under an `le`, of the grouping key.
    #[error(
        "collected metric \"{family}\" {{{labels}}} must not have an explicit label \"{label}\", which is of a {metric_type}'s own samples"
    )]
    SampleLabel {
        /// The metric family.
        family: String,
        /// The labels, rendered.
        labels: String,
        /// `quantile` or `le`.
        label: &'static str,
        /// `summary` or `histogram`.
        metric_type: &'static str,
    },
    /// The value is of another type than the family.
    #[error("collected metric \"{family}\" {{{labels}}} is not a {metric_type}")]
    Value {
        /// The metric family.
        family: String,
        /// The labels, rendered.
        labels: String,
        /// The family's type, upper case.
        metric_type: String,
    },
    /// The series is there already: in this push, or in another group.
    #[error(
        "collected metric \"{family}\" {{{labels}}} was collected before with the same name and label values"
    )]
    Duplicate {
        /// The metric family.
        family: String,
        /// The labels, rendered.
        labels: String,
    },
    /// Another group has the family with another type.
    #[error("collected metric family \"{family}\" is not a {existing}: it is a {pushed}")]
    TypeClash {
        /// The metric family.
        family: String,
        /// The type it has, upper case.
        existing: String,
        /// The type pushed, upper case.
        pushed: String,
    },
    /// The gateway's own family of that name has another type.
    #[error("gathered metric family {family} has type {pushed} but should have {existing}")]
    OwnType {
        /// The metric family.
        family: String,
        /// The type it has, upper case.
        existing: String,
        /// The type pushed, upper case.
        pushed: String,
    },
    /// The name is one of the samples of a histogram or summary, or the other way round.
    #[error(
        "collected metric named \"{family}\" collides with previously collected {what} named \"{other}\""
    )]
    Suffix {
        /// The metric family pushed.
        family: String,
        /// `histogram`, `summary` or `metric`.
        what: &'static str,
        /// The family that is there.
        other: String,
    },
    /// A label value of the grouping key is not UTF-8: no group can have it.
    #[error("the grouping key has a label whose value is not utf8")]
    NotUtf8,
}

/// Why a push is not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// It would spoil the exposition: 400.
    #[error("pushed metrics are invalid or inconsistent with existing metrics: {0}")]
    Inconsistent(#[from] Inconsistency),
    /// A limit of the whole store is reached: 503.
    #[error("the gateway is full: more than {limit} {what}")]
    Full {
        /// The limit.
        limit: usize,
        /// What it counts.
        what: &'static str,
    },
}
