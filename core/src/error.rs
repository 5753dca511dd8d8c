//! The errors of this crate, apart from those of [`check`](crate::check).

use std::fmt;

/// A name of a metric or a label that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} name `{}` {reason}", name.escape_debug())]
pub struct NameError {
    pub(crate) what: &'static str,
    pub(crate) name: String,
    pub(crate) reason: &'static str,
}

/// A grouping key that a gateway would refuse, or that would break its scrapes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupingKeyError {
    /// The job is empty. A gateway answers `job name is required`.
    #[error("the job is empty")]
    EmptyJob,
    /// The name of a grouping label is not a label name, or is reserved (`__…`).
    #[error(transparent)]
    LabelName(#[from] NameError),
    /// The grouping label is `le` or `quantile`. A gateway accepts `le`, and Prometheus then refuses the
    /// whole scrape.
    #[error(
        "grouping label `{0}` is refused: histograms and summaries need that label for themselves"
    )]
    ReservedLabel(String),
    /// A label was given twice, with different values. The job counts as a label `job`.
    #[error("grouping label `{name}` is given twice, as `{}` and as `{}`", first.escape_debug(), second.escape_debug())]
    Repeated {
        /// The label's name.
        name: String,
        /// The value that was given first.
        first: String,
        /// The value that was given later.
        second: String,
    },
    /// The URL path is not a group's path.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// A URL path that is not the path of a group. The texts are those of a gateway's answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path does not begin with `/job/` or `/job@base64/`.
    #[error("path `{0}` does not begin with `/job/` or `/job@base64/`")]
    NoJob(String),
    /// The job's value is empty.
    #[error("job name is required")]
    EmptyJob,
    /// The last label has no value.
    #[error("odd number of components in label string {0:?}")]
    OddComponents(String),
    /// A name is not a label name, or is reserved (`__…`).
    #[error("improper label name {0:?}")]
    LabelName(String),
    /// The job's value is not base64.
    #[error("invalid base64 encoding in job name \"\": {0}")]
    JobBase64(String),
    /// A label's value is not base64.
    #[error("invalid base64 encoding for label {name}={value:?}: {reason}")]
    LabelBase64 {
        /// The label's name.
        name: String,
        /// The value, as in the path.
        value: String,
        /// The fault in the value.
        reason: String,
    },
    /// Two hexadecimal digits do not follow a `%`.
    #[error("invalid percent-encoding in `{0}`")]
    PercentEncoding(String),
    /// A value is not UTF-8. A stock gateway accepts it, and then every scrape fails.
    #[error("value of label {0:?} is not utf8")]
    NotUtf8(String),
}

/// A metric family that cannot be registered. The registry is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The name of the metric or of a label is not allowed.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A family with this name is registered already.
    #[error("metric `{0}` is registered already")]
    Duplicate(String),
    /// A sample of the new family and a sample of another family have the same name. For example, a
    /// histogram `h` exposes `h_count`.
    #[error("metric `{name}` clashes with `{other}`: both would expose `{sample}`")]
    Clash {
        /// The name of the new family.
        name: String,
        /// The name of the registered family.
        other: String,
        /// The name of the sample.
        sample: String,
    },
    /// A label name is given twice.
    #[error("metric `{metric}` has label `{label}` twice")]
    DuplicateLabel {
        /// The metric's name.
        metric: String,
        /// The label's name.
        label: String,
    },
    /// The metric type itself uses the label: a histogram uses `le`, and a summary uses `quantile`.
    #[error("metric `{metric}` cannot have label `{label}`: its own samples use that label")]
    ReservedLabel {
        /// The metric's name.
        metric: String,
        /// The label's name.
        label: String,
    },
    /// The bounds of a histogram's buckets are not finite, or do not increase.
    #[error("buckets of a histogram {0}")]
    Buckets(&'static str),
}

/// Sources that cannot be encoded as one exposition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Two families have the same name. They are from two sources, or they have the same name only in
    /// OpenMetrics, where a counter `x_total` is a family `x`.
    #[error("two metric families have the name `{0}`")]
    DuplicateFamily(String),
    /// A `prometheus_client` registry cannot be encoded.
    #[error("cannot read the `prometheus_client` registry: {0}")]
    PrometheusClient(String),
    /// A native histogram has no classic buckets. Only protobuf has native buckets, and only the feature
    /// `native-histograms` encodes them.
    #[error(
        "histogram `{0}` has native buckets only, which need protobuf and the feature `native-histograms`"
    )]
    NativeHistogram(String),
}

/// A place in a body that the exposition format does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The length of the offending text in characters, at least 1.
    pub width: usize,
    /// The kind of the fault. For text 0.0.4, the text of the kind is the text that a Pushgateway answers.
    pub kind: ParseErrorKind,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.kind)
    }
}

impl std::error::Error for ParseError {}

/// The fault in a line.
///
/// The texts for text 0.0.4 are those of Prometheus's own parser (`expfmt/text_parse.go`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The body ends within a line. This includes a last line without a newline.
    #[error("unexpected end of input stream")]
    UnexpectedEnd,
    /// A sample line does not begin with a metric name.
    #[error("invalid metric name")]
    MetricName,
    /// A metric name that is quoted, or in a comment, has characters outside the legacy set.
    #[error("invalid metric name {0:?}")]
    MetricNameText(String),
    /// `# HELP` or `# TYPE` is not followed by a metric name.
    #[error("invalid metric name in comment")]
    MetricNameInComment,
    /// A second metric name stands inside the braces.
    #[error("multiple metric names for metric {0:?}")]
    MultipleMetricNames(String),
    /// Something other than `,` or `}` follows a name inside the braces.
    #[error("unexpected end of metric name {0:?}")]
    EndOfMetricName(char),
    /// A label name is missing, or begins with a character that is not allowed.
    #[error("invalid label name for metric {0:?}")]
    LabelName(String),
    /// A quoted label name has characters outside the legacy set.
    #[error("invalid label name {0:?}")]
    LabelNameText(String),
    /// A label is called `__name__`.
    #[error("label name \"__name__\" is reserved")]
    ReservedLabel,
    /// No `=` follows a label name.
    #[error("expected '=' after label name, found {0:?}")]
    NoEquals(char),
    /// A sample has a label name twice.
    #[error("duplicate label names for metric {0:?}")]
    DuplicateLabel(String),
    /// A label value does not begin with a quote.
    #[error("expected '\"' at start of label value, found {0:?}")]
    NoQuote(char),
    /// A label value is not UTF-8.
    #[error("invalid label value \"{0}\"")]
    LabelValue(String),
    /// Neither `,` nor `}` follows a label value.
    #[error("unexpected end of label value {0:?}")]
    EndOfLabelValue(String),
    /// A backslash stands before a character that is not escaped in the format.
    #[error("invalid escape sequence '\\{0}'")]
    Escape(char),
    /// A line ends inside a label value.
    #[error("label value {0:?} contains unescaped new-line")]
    NewlineInLabelValue(String),
    /// A line ends inside a quoted metric name.
    #[error("metric name {0:?} contains unescaped new-line")]
    NewlineInMetricName(String),
    /// A line ends inside a quoted label name.
    #[error("label name {0:?} contains unescaped new-line")]
    NewlineInLabelName(String),
    /// `le` is not a number.
    #[error("expected float as value for 'le' label, got {0:?}")]
    Le(String),
    /// `quantile` is not a number.
    #[error("expected float as value for 'quantile' label, got {0:?}")]
    QuantileLabel(String),
    /// The sample's value is not a number.
    #[error("expected float as value, got {0:?}")]
    Value(String),
    /// The sample's timestamp is not a whole number of milliseconds.
    #[error("expected integer as timestamp, got {0:?}")]
    Timestamp(String),
    /// Text follows the timestamp.
    #[error("spurious string after timestamp: {0:?}")]
    AfterTimestamp(String),
    /// A histogram's `_count` is negative.
    #[error("negative count for histogram {0:?}")]
    NegativeCount(String),
    /// The count of a histogram's bucket is negative.
    #[error("negative bucket population for histogram {0:?}")]
    NegativeBucket(String),
    /// A family has a second `# HELP` line.
    #[error("second HELP line for metric name {0:?}")]
    SecondHelp(String),
    /// A family has a second `# TYPE` line, or one after its samples.
    #[error("second TYPE line for metric name {0:?}, or TYPE reported after samples")]
    SecondType(String),
    /// A type is not a type of the format.
    #[error("unknown metric type {0:?}")]
    UnknownType(String),
    /// The body breaks a rule of OpenMetrics 1.0 that text 0.0.4 does not have.
    #[error("{0}")]
    OpenMetrics(OpenMetricsRule),
    /// The body is not delimited protobuf. The line is 1, and the column is the first byte of the family.
    #[error("{0}")]
    Protobuf(ProtobufError),
}

impl From<OpenMetricsRule> for ParseErrorKind {
    fn from(rule: OpenMetricsRule) -> Self {
        Self::OpenMetrics(rule)
    }
}

/// A rule of OpenMetrics 1.0 that a body breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenMetricsRule {
    /// The last line is not `# EOF`.
    #[error("the last line of OpenMetrics must be `# EOF`")]
    NoEof,
    /// A line follows `# EOF`.
    #[error("nothing may follow `# EOF`")]
    AfterEof,
    /// A line is not UTF-8.
    #[error("OpenMetrics must be UTF-8")]
    NotUtf8,
    /// A line is empty.
    #[error("OpenMetrics has no empty lines")]
    EmptyLine,
    /// A comment is not HELP, TYPE, UNIT or EOF.
    #[error("OpenMetrics has no comments but HELP, TYPE, UNIT and EOF")]
    Comment,
    /// The lines of a family are not in one block.
    #[error("metric family `{0}` is not in one block")]
    Interleaved(String),
    /// A family has a second `# UNIT` line.
    #[error("second UNIT line for metric family `{0}`")]
    SecondUnit(String),
    /// The unit is not the last part of the family's name.
    #[error("the name of metric family `{family}` does not end in its unit `{unit}`")]
    Unit {
        /// The family's name.
        family: String,
        /// The unit.
        unit: String,
    },
    /// A metadata line follows the family's samples.
    #[error("metadata of metric family `{0}` after its samples")]
    MetadataAfterSamples(String),
    /// Families of this type have no sample with this suffix.
    #[error("sample `{sample}` does not belong to a {kind} `{family}`")]
    Suffix {
        /// The sample's name.
        sample: String,
        /// The family's type.
        kind: &'static str,
        /// The family's name.
        family: String,
    },
    /// A counter, a bucket or a count is negative or NaN.
    #[error("value of `{0}` must not be negative or NaN")]
    Negative(String),
    /// A bucket of a histogram has no label `le`, or a stateset has no label with its own name.
    #[error("sample of `{family}` lacks label `{label}`")]
    MissingLabel {
        /// The family's name.
        family: String,
        /// The name of the missing label.
        label: String,
    },
    /// The value of an info is not 1, or the value of a state is neither 0 nor 1.
    #[error("value of `{0}` must be 1 for an info, 0 or 1 for a stateset")]
    State(String),
    /// An earlier family has the same name, or exposes a sample with that name.
    #[error("metric family `{family}` clashes with one before it: both have `{sample}`")]
    Clash {
        /// The family's name.
        family: String,
        /// The name of the sample, or of the family.
        sample: String,
    },
    /// An info or a stateset has a unit.
    #[error("metric family `{0}` is an info or a stateset, which have no unit")]
    UnitNotAllowed(String),
    /// Samples of another metric stand between the samples of a metric.
    #[error("samples of one metric of `{0}` are separated by other samples")]
    Scattered(String),
    /// Only some samples of a metric have timestamps, or the timestamps go backwards.
    #[error("timestamps of one metric of `{0}` are missing, or go backwards")]
    Timestamps(String),
    /// The bounds of a histogram's buckets do not increase, or the counts decrease.
    #[error("buckets of histogram `{0}` are out of order")]
    BucketOrder(String),
    /// A histogram has a sum and no count, or a count and no sum.
    #[error("histogram `{0}` has only one of sum and count")]
    SumAndCount(String),
    /// The count of a histogram is not the count of its `+Inf` bucket.
    #[error("the count of histogram `{0}` differs from its `+Inf` bucket")]
    CountAndInfBucket(String),
    /// A count is not a whole number.
    #[error("value of `{0}` must be a whole number")]
    Fraction(String),
    /// A quantile is not between 0 and 1, or a `le` is NaN or spells `+Inf` differently.
    #[error("`{value}` is not allowed as label `{label}` of `{family}`")]
    Bound {
        /// The family's name.
        family: String,
        /// `le` or `quantile`.
        label: &'static str,
        /// The label's value.
        value: String,
    },
    /// A histogram has no `+Inf` bucket.
    #[error("histogram `{0}` lacks its `+Inf` bucket")]
    NoInfBucket(String),
    /// An exemplar is malformed or too long, or the sample may not have one.
    #[error("exemplar: {0}")]
    Exemplar(&'static str),
}

/// A body that is not delimited protobuf.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("metric family {family} at byte {offset}: {reason}")]
pub struct ProtobufError {
    /// The number of the family in the body, from 1.
    pub family: usize,
    /// The first byte of the family, counted from 0.
    pub offset: usize,
    /// The fault in the family.
    pub reason: &'static str,
}
