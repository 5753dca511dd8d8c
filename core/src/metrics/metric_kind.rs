//! What all metric types have in common.

/// A metric type that a [`Family`](crate::Family) can hold: [`Counter`](crate::Counter),
/// [`CounterF64`](crate::CounterF64), [`Gauge`](crate::Gauge), [`Histogram`](crate::Histogram),
/// [`Summary`](crate::Summary) or [`Info`](crate::Info). Other crates cannot implement this trait.
pub trait MetricKind: sealed::Sealed {}

pub(crate) mod sealed {
    use crate::collect::encoder::Encoder;
    use crate::collect::protobuf_encoder::SeriesWriter;
    use crate::exposition::metric_type::FamilyType;

    /// How a metric type is made and written.
    pub trait Sealed: Clone + Send + Sync + 'static {
        /// What a new metric needs to know: the buckets of a histogram, nothing for the others.
        type Config: Clone + Send + Sync + 'static;
        /// The type in the family's `# TYPE` line.
        const FAMILY_TYPE: FamilyType;
        /// The end of every family's name. The registry adds it where it is missing.
        const NAME_SUFFIX: &'static str;
        /// The label that the metric's own samples use, so that no series may have it.
        const RESERVED_LABEL: Option<&'static str>;

        /// A metric that has recorded nothing.
        fn create(config: &Self::Config) -> Self;

        /// Writes the samples in a text format.
        ///
        /// `name` is the family's name, and `labels` are the series' labels without braces.
        /// `prefix` is both as one text: `name{labels} `, or `name ` without labels.
        fn encode_text(&self, name: &str, labels: &[u8], prefix: &[u8], encoder: &mut Encoder);

        /// Writes the value in protobuf.
        fn encode_protobuf(&self, series: SeriesWriter<'_>);
    }
}
