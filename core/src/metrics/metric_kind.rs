//! What all metric types have in common.

/// A metric type that a [`Family`](crate::Family) can hold: [`Counter`](crate::Counter),
/// [`CounterF64`](crate::CounterF64), [`Gauge`](crate::Gauge), [`Histogram`](crate::Histogram)
/// or [`Info`](crate::Info). Not to be implemented elsewhere.
pub trait MetricKind: sealed::Sealed {}

pub(crate) mod sealed {
    use crate::encoder::{Encoder, SeriesWriter};
    use crate::exposition::MetricType;

    /// What a family is where its format names types.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum FamilyType {
        /// A type that all formats know.
        Plain(MetricType),
        /// An info: a gauge in text 0.0.4 and in protobuf.
        Info,
    }

    /// How a metric type is made and written.
    pub trait Sealed: Clone + Send + Sync + 'static {
        /// What a new metric needs to know: a histogram its buckets, the others nothing.
        type Config: Clone + Send + Sync + 'static;
        /// What its `# TYPE` says.
        const FAMILY_TYPE: FamilyType;
        /// What a family's name must end in; added where it does not.
        const NAME_SUFFIX: &'static str;
        /// What follows the name in the text that is kept of each series.
        const TEXT_SUFFIX: &'static str;
        /// Whether `le` follows the labels in the text that is kept of each series.
        const HAS_BUCKETS: bool;

        /// A metric that has recorded nothing.
        fn create(config: &Self::Config) -> Self;

        /// Writes the samples in a text format. `name` is the family's, `text` what is kept of the series:
        /// `name{labels} `, or for a histogram `name_bucket{labels,le="`.
        fn encode(&self, name: &str, text: &[u8], encoder: &mut Encoder);

        /// Writes the value in protobuf: a number, or a histogram if `HAS_BUCKETS`.
        fn encode_protobuf(&self, series: SeriesWriter<'_>);
    }
}
