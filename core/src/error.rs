//! Every error of this crate.

use std::fmt;

/// A metric or label name that the exposition formats do not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} name `{}` {reason}", name.escape_debug())]
pub struct NameError {
    pub(crate) what: &'static str,
    pub(crate) name: String,
    pub(crate) reason: &'static str,
}

/// A grouping key that a gateway would refuse, or would suffer from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupingKeyError {
    /// The job is empty: a gateway answers `job name is required`.
    #[error("the job is empty")]
    EmptyJob,
    /// A grouping label's name is not a label name, or is reserved (`__…`).
    #[error(transparent)]
    LabelName(#[from] NameError),
    /// `le` or `quantile`: a gateway takes `le` and Prometheus then refuses the whole scrape.
    #[error(
        "grouping label `{0}` is refused: histograms and summaries need that label for themselves"
    )]
    ReservedLabel(String),
    /// One label was given twice with different values; `job` counts as given.
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

/// A URL path that names no group; the text is what a gateway answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path does not begin with `/job/` or `/job@base64/`.
    #[error("path `{0}` does not begin with `/job/` or `/job@base64/`")]
    NoJob(String),
    /// The job's value is empty.
    #[error("job name is required")]
    EmptyJob,
    /// A label without a value stands at the end.
    #[error("odd number of components in label string {0:?}")]
    OddComponents(String),
    /// A label name that is none, or is reserved.
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
        /// The value as it stood in the path.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// `%` is not followed by two hexadecimal digits.
    #[error("invalid percent-encoding in `{0}`")]
    PercentEncoding(String),
    /// A value is not UTF-8 (stock gateways then fail every scrape).
    #[error("value of label {0:?} is not utf8")]
    NotUtf8(String),
}

/// A metric family that cannot be registered; nothing was registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The metric's or a label's name is not allowed.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A family of that name is registered already.
    #[error("metric `{0}` is registered already")]
    Duplicate(String),
    /// Another family exposes a sample of that name (histogram `h` exposes `h_count`).
    #[error("metric `{name}` clashes with `{other}`: both would expose `{sample}`")]
    Clash {
        /// The name that was to be registered.
        name: String,
        /// The family that is registered already.
        other: String,
        /// The sample name that both would expose.
        sample: String,
    },
    /// The same label name twice.
    #[error("metric `{metric}` has label `{label}` twice")]
    DuplicateLabel {
        /// The metric's name.
        metric: String,
        /// The label's name.
        label: String,
    },
    /// A label that the metric type needs for itself: `le` on a histogram.
    #[error("metric `{metric}` cannot have label `{label}`: a histogram needs it for its buckets")]
    ReservedLabel {
        /// The metric's name.
        metric: String,
        /// The label's name.
        label: String,
    },
    /// Bucket bounds that are empty, not increasing, or NaN.
    #[error("buckets of a histogram {0}")]
    Buckets(&'static str),
}

/// Sources that cannot be written as one exposition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Two families have that name: from two sources, or, in OpenMetrics, where a counter
    /// `x_total` makes a family `x`, from one.
    #[error("two metric families have the name `{0}`")]
    DuplicateFamily(String),
    /// A `prometheus_client` registry could not be read.
    #[error("cannot read the `prometheus_client` registry: {0}")]
    PrometheusClient(String),
    /// A native histogram without classic buckets has no form in a text format; protobuf shows it
    /// with the feature `native-histograms`.
    #[error(
        "histogram `{0}` has native buckets only, which need protobuf and the feature `native-histograms`"
    )]
    NativeHistogram(String),
}

/// A body that is not the exposition format it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// How many characters the offending text has, at least 1.
    pub width: usize,
    /// What is wrong; its `Display` is what a Pushgateway says.
    pub kind: ParseErrorKind,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.kind)
    }
}

impl std::error::Error for ParseError {}

/// What is wrong with a line.
/// The words for text 0.0.4 are those of Prometheus's own parser (`expfmt/text_parse.go`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The body ends within a line; also a last line without its newline.
    #[error("unexpected end of input stream")]
    UnexpectedEnd,
    /// A sample line does not begin with a metric name.
    #[error("invalid metric name")]
    MetricName,
    /// A quoted or commented metric name outside the legacy character set.
    #[error("invalid metric name {0:?}")]
    MetricNameText(String),
    /// `# HELP` or `# TYPE` is not followed by a metric name.
    #[error("invalid metric name in comment")]
    MetricNameInComment,
    /// A second name inside the braces.
    #[error("multiple metric names for metric {0:?}")]
    MultipleMetricNames(String),
    /// Something other than `,` or `}` follows a name inside the braces.
    #[error("unexpected end of metric name {0:?}")]
    EndOfMetricName(char),
    /// A label name is missing or begins with a wrong character.
    #[error("invalid label name for metric {0:?}")]
    LabelName(String),
    /// A quoted label name outside the legacy character set.
    #[error("invalid label name {0:?}")]
    LabelNameText(String),
    /// `__name__` as a label.
    #[error("label name \"__name__\" is reserved")]
    ReservedLabel,
    /// No `=` after a label name.
    #[error("expected '=' after label name, found {0:?}")]
    NoEquals(char),
    /// One label name twice in one sample.
    #[error("duplicate label names for metric {0:?}")]
    DuplicateLabel(String),
    /// No quote at the start of a label value.
    #[error("expected '\"' at start of label value, found {0:?}")]
    NoQuote(char),
    /// A label value that is not UTF-8.
    #[error("invalid label value \"{0}\"")]
    LabelValue(String),
    /// Neither `,` nor `}` after a label value.
    #[error("unexpected end of label value {0:?}")]
    EndOfLabelValue(String),
    /// A backslash before a character that has no escape.
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
    /// Something follows the timestamp.
    #[error("spurious string after timestamp: {0:?}")]
    AfterTimestamp(String),
    /// A histogram's `_count` is negative.
    #[error("negative count for histogram {0:?}")]
    NegativeCount(String),
    /// A histogram's bucket is negative.
    #[error("negative bucket population for histogram {0:?}")]
    NegativeBucket(String),
    /// A second `# HELP` for one family.
    #[error("second HELP line for metric name {0:?}")]
    SecondHelp(String),
    /// A second `# TYPE` for one family, or one after its samples.
    #[error("second TYPE line for metric name {0:?}, or TYPE reported after samples")]
    SecondType(String),
    /// A type that the format does not know.
    #[error("unknown metric type {0:?}")]
    UnknownType(String),
    /// A rule of OpenMetrics 1.0 that text 0.0.4 does not have.
    #[error("{0}")]
    OpenMetrics(OpenMetricsRule),
    /// Delimited protobuf that is none. Its line is 1 and its column the family's first byte.
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
    /// Something follows `# EOF`.
    #[error("nothing may follow `# EOF`")]
    AfterEof,
    /// A line that is not UTF-8.
    #[error("OpenMetrics is UTF-8 throughout")]
    NotUtf8,
    /// An empty line.
    #[error("OpenMetrics has no empty lines")]
    EmptyLine,
    /// A comment that is not HELP, TYPE, UNIT or EOF.
    #[error("OpenMetrics has no comments but HELP, TYPE, UNIT and EOF")]
    Comment,
    /// The samples or metadata of a family are not in one block.
    #[error("metric family `{0}` is not in one block")]
    Interleaved(String),
    /// A second `# UNIT` line.
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
    /// A metadata line after the family's samples.
    #[error("metadata of metric family `{0}` after its samples")]
    MetadataAfterSamples(String),
    /// A sample name that the type of its family does not have.
    #[error("sample `{sample}` does not belong to a {kind} `{family}`")]
    Suffix {
        /// The sample's name.
        sample: String,
        /// The family's type.
        kind: &'static str,
        /// The family's name.
        family: String,
    },
    /// A counter, bucket or count that is negative or NaN.
    #[error("value of `{0}` must not be negative or NaN")]
    Negative(String),
    /// A histogram's bucket without `le`, or a stateset without its own label.
    #[error("sample of `{family}` lacks label `{label}`")]
    MissingLabel {
        /// The family's name.
        family: String,
        /// The label that is missing.
        label: String,
    },
    /// An info sample whose value is not 1, or a state that is neither 0 nor 1.
    #[error("value of `{0}` must be 1 for an info, 0 or 1 for a stateset")]
    State(String),
    /// A name that a family before it has, or exposes a sample of.
    #[error("metric family `{family}` clashes with one before it: both have `{sample}`")]
    Clash {
        /// The family's name.
        family: String,
        /// The name of the sample, or of the family.
        sample: String,
    },
    /// A `# UNIT` for an info or a stateset.
    #[error("metric family `{0}` is an info or a stateset, which have no unit")]
    UnitNotAllowed(String),
    /// Samples of other metrics between those of one.
    #[error("the samples of one metric of `{0}` do not follow each other")]
    Scattered(String),
    /// One metric with and without timestamps, or with earlier ones behind later ones.
    #[error("timestamps of one metric of `{0}` are missing, or go backwards")]
    Timestamps(String),
    /// Buckets whose bounds do not go up, or whose counts go down.
    #[error("buckets of histogram `{0}` are out of order")]
    BucketOrder(String),
    /// A histogram with a sum and no count, or the other way round.
    #[error("histogram `{0}` has a sum or a count, and not both")]
    SumAndCount(String),
    /// A histogram whose count is not that of its `+Inf` bucket.
    #[error("the count of histogram `{0}` is not that of its `+Inf` bucket")]
    CountAndInfBucket(String),
    /// A count that has a fraction.
    #[error("value of `{0}` must be a whole number")]
    Fraction(String),
    /// A quantile that is not between 0 and 1, or a `le` that is NaN or a misspelt `+Inf`.
    #[error("`{value}` is no value for label `{label}` of `{family}`")]
    Bound {
        /// The family's name.
        family: String,
        /// `le` or `quantile`.
        label: &'static str,
        /// Its value.
        value: String,
    },
    /// A histogram without its `+Inf` bucket.
    #[error("histogram `{0}` lacks its `+Inf` bucket")]
    NoInfBucket(String),
    /// An exemplar that is malformed, too long, or where none may stand.
    #[error("exemplar: {0}")]
    Exemplar(&'static str),
}

/// A delimited protobuf body that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("metric family {family} at byte {offset}: {reason}")]
pub struct ProtobufError {
    /// Which family of the body, from 1.
    pub family: usize,
    /// Where the family begins, in bytes from the start of the body.
    pub offset: usize,
    /// What is wrong.
    pub reason: &'static str,
}
