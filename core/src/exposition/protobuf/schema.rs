//! The field numbers of the messages that prompush reads and writes.
//!
//! Source: `prometheus/client_model`, `io/prometheus/client/metrics.proto`.

/// The fields of `MetricFamily`.
pub(crate) mod family {
    pub(crate) const NAME: u8 = 1;
    pub(crate) const HELP: u8 = 2;
    pub(crate) const TYPE: u8 = 3;
    pub(crate) const METRIC: u8 = 4;
}

/// The fields of `Metric`.
pub(crate) mod metric {
    pub(crate) const LABEL: u8 = 1;
    pub(crate) const GAUGE: u8 = 2;
    pub(crate) const COUNTER: u8 = 3;
    pub(crate) const SUMMARY: u8 = 4;
    pub(crate) const UNTYPED: u8 = 5;
    pub(crate) const TIMESTAMP_MS: u8 = 6;
    pub(crate) const HISTOGRAM: u8 = 7;
}

/// The fields of `LabelPair`.
pub(crate) mod label {
    pub(crate) const NAME: u8 = 1;
    pub(crate) const VALUE: u8 = 2;
}

/// The field of `Counter`, `Gauge` and `Untyped`.
pub(crate) mod number {
    pub(crate) const VALUE: u8 = 1;
}

/// The fields of `Histogram`.
pub(crate) mod histogram {
    pub(crate) const COUNT: u8 = 1;
    pub(crate) const SUM: u8 = 2;
    pub(crate) const BUCKET: u8 = 3;
    pub(crate) const COUNT_FLOAT: u8 = 4;
    pub(crate) const NEGATIVE_SPAN: u8 = 9;
    pub(crate) const NEGATIVE_DELTA: u8 = 10;
    pub(crate) const NEGATIVE_COUNT: u8 = 11;
    pub(crate) const POSITIVE_SPAN: u8 = 12;
    pub(crate) const POSITIVE_DELTA: u8 = 13;
    pub(crate) const POSITIVE_COUNT: u8 = 14;
}

/// The fields of `Bucket`.
pub(crate) mod bucket {
    pub(crate) const CUMULATIVE_COUNT: u8 = 1;
    pub(crate) const UPPER_BOUND: u8 = 2;
    pub(crate) const CUMULATIVE_COUNT_FLOAT: u8 = 4;
}

/// The field of `BucketSpan` that is read.
pub(crate) mod bucket_span {
    pub(crate) const LENGTH: u8 = 2;
}

/// The fields of `Summary`.
pub(crate) mod summary {
    pub(crate) const COUNT: u8 = 1;
    pub(crate) const SUM: u8 = 2;
    pub(crate) const QUANTILE: u8 = 3;
}

/// The fields of `Quantile`.
pub(crate) mod quantile {
    pub(crate) const QUANTILE: u8 = 1;
    pub(crate) const VALUE: u8 = 2;
}

/// The numbers of the enum `MetricType`.
pub(crate) mod metric_type {
    pub(crate) const COUNTER: u64 = 0;
    pub(crate) const GAUGE: u64 = 1;
    pub(crate) const SUMMARY: u64 = 2;
    pub(crate) const UNTYPED: u64 = 3;
    pub(crate) const HISTOGRAM: u64 = 4;
    pub(crate) const GAUGE_HISTOGRAM: u64 = 5;
}
