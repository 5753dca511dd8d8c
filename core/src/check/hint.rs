//! What to do about a diagnostic.

/// What to do about a [`Diagnostic`](crate::check::Diagnostic). Its text is for people.
///
/// The texts name no flag of a command line. A command line may show a text with its flag instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Hint {
    /// Text 0.0.4 does not know the type, but OpenMetrics does.
    #[error("OpenMetrics has this type, and its last line is `# EOF`: is the input incomplete?")]
    TypeOfOpenMetrics,
    /// A sample of text 0.0.4 has an exemplar.
    #[error(
        "only OpenMetrics has exemplars, and its last line is `# EOF`: is the input incomplete?"
    )]
    ExemplarInText,
    /// Something other than a timestamp follows the value.
    #[error("only a timestamp in milliseconds may follow the value")]
    NothingAfterValue,
    /// The body breaks a rule of OpenMetrics, and only its last line says that it is OpenMetrics.
    #[error("the last line marks this as OpenMetrics; if it is text, give the format")]
    MaybeNotOpenMetrics,
    /// A second `# HELP` or `# TYPE`.
    #[error("write a family's HELP and TYPE once, before its first sample")]
    MetadataOnce,
    /// The body is HTML or XML.
    #[error("this is a web page: did the program print an error page instead of metrics?")]
    WebPage,
    /// A sample does not begin with a metric name.
    #[error(
        "write a metric as `name value` or `name{{label=\"value\"}} value`; a name has letters, digits, `_` and `:`"
    )]
    SampleSyntax,
    /// A label value without quotes.
    #[error("put label values in double quotes: `name{{label=\"value\"}} value`")]
    QuoteLabelValues,
    /// A label that is not `name="value"`.
    #[error("write a label as `name=\"value\"`; its name has letters, digits and `_`")]
    LabelSyntax,
    /// A sample without a value.
    #[error("write a metric as `name value`: the value is missing")]
    ValueMissing,
    /// A metric name with a character that is not allowed.
    #[error(
        "a metric's name has letters, digits, `_` and `:`; a space separates it from the value"
    )]
    NameSyntax,
    /// A decimal comma, or a comma between groups of digits.
    #[error("write the decimal point as `.`, and do not group digits")]
    DecimalPoint,
    /// A per cent sign behind a value.
    #[error("write the number without a unit")]
    NoUnit,
    /// A metric has a timestamp.
    #[error("a gateway refuses timestamps: remove it")]
    DropTimestamp,
    /// Two metrics have the same labels.
    #[error("give each metric different labels, or remove one of them")]
    DistinctLabels,
    /// A label name begins with `__`.
    #[error("label names that begin with `__` are reserved")]
    ReservedNames,
    /// A label that the grouping key sets too.
    #[error("put the value into the grouping key, or rename the label")]
    RenameLabel,
    /// A family is named like a sample of another family.
    #[error("rename one of the two")]
    RenameFamily,
    /// A family without metadata.
    #[error("add `# HELP` and `# TYPE` lines before its first sample")]
    AddHelpAndType,
    /// A family without a help text.
    #[error("add a `# HELP` line that says what it measures")]
    AddHelp,
    /// A family without a type.
    #[error("add a `# TYPE` line that says whether it is a counter or a gauge")]
    AddType,
    /// A counter whose name does not end in `_total`.
    #[error("by convention, the name of a counter ends in `_total`")]
    CountersEndInTotal,
    /// A gauge whose name ends in `_total`.
    #[error("by convention, only the name of a counter ends in `_total`")]
    OnlyCountersEndInTotal,
    /// A histogram without buckets.
    #[error("write buckets as samples `…_bucket{{le=\"…\"}}`")]
    BucketSyntax,
    /// Buckets whose bounds do not grow.
    #[error("write the buckets in the order of `le`, each once")]
    SortBuckets,
    /// Buckets that count only the observations between two bounds.
    #[error(
        "each bucket must count all observations up to its `le`, including those of smaller buckets"
    )]
    CumulativeBuckets,
    /// A histogram's count that is not the count of its `+Inf` bucket.
    #[error("both must count all observations")]
    CountIsInfBucket,
}
