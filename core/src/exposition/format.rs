//! The exposition formats.

/// An exposition format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Prometheus text 0.0.4, which every Pushgateway reads.
    #[default]
    Text,
    /// OpenMetrics text 1.0.
    OpenMetrics,
    /// Delimited protobuf, `io.prometheus.client.MetricFamily`, which every Pushgateway reads too. Values
    /// are floats, so a counter above 2^53 is rounded to the nearest float.
    Protobuf,
}

impl Format {
    /// The `Content-Type` of a body in this format.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }

    /// The text format that `body` seems to be in: OpenMetrics if the last line is `# EOF`, and text
    /// 0.0.4 otherwise.
    pub fn detect(body: &[u8]) -> Self {
        let body = body.trim_ascii_end();
        match body.strip_suffix(b"# EOF") {
            Some(before) if before.is_empty() || before.ends_with(b"\n") => Self::OpenMetrics,
            _ => Self::Text,
        }
    }
}
