//! What to do about a diagnostic.

/// What to do about a [`Diagnostic`](crate::check::Diagnostic). Its text is for people.
///
/// The texts name no command-line flag. A command line that has one for the purpose may show a text
/// of its own instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Hint {
    /// Text 0.0.4 does not know the type, but OpenMetrics does.
    #[error("OpenMetrics has that type: does the input lack its last line, `# EOF`?")]
    TypeOfOpenMetrics,
    /// A sample of text 0.0.4 has an exemplar.
    #[error("exemplars are part of OpenMetrics, whose last line is `# EOF`: was the input cut?")]
    ExemplarInText,
    /// Something other than a timestamp follows the value.
    #[error(
        "a metric is `name{{label=\"value\"}} value`, with nothing after it but a timestamp in milliseconds"
    )]
    NothingAfterValue,
    /// The body breaks a rule of OpenMetrics, and only its last line says that it is OpenMetrics.
    #[error("the last line says that this is OpenMetrics; if it is not, give the format")]
    MaybeNotOpenMetrics,
    /// A second `# HELP` or `# TYPE`.
    #[error("a family's HELP and TYPE stand once, before its first sample")]
    MetadataOnce,
    /// The body is HTML or XML.
    #[error(
        "this is a page for a browser: did the program that should print metrics print an error?"
    )]
    WebPage,
    /// A sample does not begin with a metric name.
    #[error(
        "a metric is `name value` or `name{{label=\"value\"}} value`, its name of letters, digits, `_` and `:`"
    )]
    SampleSyntax,
    /// A label value without quotes.
    #[error("label values stand in double quotes: `name{{label=\"value\"}} value`")]
    QuoteLabelValues,
    /// A label that is not `name="value"`.
    #[error("a label is `name=\"value\"`, its name of letters, digits and `_`")]
    LabelSyntax,
    /// A sample without a value.
    #[error("a metric is `name value`: the value is missing")]
    ValueMissing,
    /// A metric name with a character that is not allowed.
    #[error(
        "a metric's name is of letters, digits, `_` and `:`, and its value stands after a space"
    )]
    NameSyntax,
    /// A decimal comma, or a comma between groups of digits.
    #[error("a decimal point is written `.`, and digits are not grouped")]
    DecimalPoint,
    /// A per cent sign behind a value.
    #[error("a value has no unit: write the bare number")]
    NoUnit,
    /// A metric has a timestamp.
    #[error("a gateway shows metrics as of now: drop the timestamp")]
    DropTimestamp,
    /// Two metrics have the same labels.
    #[error("give each metric labels of its own, or drop one of them")]
    DistinctLabels,
    /// A label name begins with `__`.
    #[error("names that begin with `__` are reserved")]
    ReservedNames,
    /// A label that the grouping key sets too.
    #[error("give the job with the grouping key, or rename the label")]
    RenameLabel,
    /// A family is named like a sample of another family.
    #[error("rename one of them")]
    RenameFamily,
    /// A family without metadata.
    #[error("say what it is: `# HELP` and `# TYPE` lines before it")]
    AddHelpAndType,
    /// A family without a help text.
    #[error("say what it is: a `# HELP` line before it")]
    AddHelp,
    /// A family without a type.
    #[error("a `# TYPE` line before it says whether it is a counter or a gauge")]
    AddType,
    /// A counter whose name does not end in `_total`.
    #[error("a counter's name ends in `_total`, by convention")]
    CountersEndInTotal,
    /// A gauge whose name ends in `_total`.
    #[error("only a counter's name ends in `_total`, by convention")]
    OnlyCountersEndInTotal,
    /// A histogram without buckets.
    #[error("buckets are samples `…_bucket{{le=\"…\"}}`")]
    BucketSyntax,
    /// Buckets whose bounds do not grow.
    #[error("write them by growing `le`")]
    SortBuckets,
    /// Buckets that count only the observations between two bounds.
    #[error("each bucket counts all observations up to its `le`, those of smaller buckets too")]
    CumulativeBuckets,
    /// A histogram's count that is not the count of its `+Inf` bucket.
    #[error("both count all observations")]
    CountIsInfBucket,
}
