//! The traits that all metric types implement.

use crate::collect::{Encoder, SeriesWriter};
use crate::exposition::FamilyType;

/// A metric type that a [`Family`](crate::Family) can hold: [`Counter`](crate::Counter),
/// [`CounterF64`](crate::CounterF64), [`Gauge`](crate::Gauge), [`Histogram`](crate::Histogram),
/// [`Summary`](crate::Summary) or [`Info`](crate::Info). Other crates cannot implement this trait.
pub trait MetricKind: Sealed {}

impl<M: Sealed> MetricKind for M {}

/// How a metric type is made and written.
pub trait Sealed: Clone + Send + Sync + 'static {
    /// The settings of a new metric: the buckets of a histogram, nothing for the other types.
    type Config: Clone + Send + Sync + 'static;
    /// The type in the family's `# TYPE` line.
    const FAMILY_TYPE: FamilyType;
    /// The end of every family's name. The registry adds it where it is missing.
    const NAME_SUFFIX: &'static str = "";
    /// The label that the metric's own samples use, so that no series may have it.
    const RESERVED_LABEL: Option<&'static str> = None;

    /// A metric that has recorded nothing.
    fn create(config: &Self::Config) -> Self;

    /// Writes the samples in a text format.
    ///
    /// `prefix` is the text of the series: `name{labels} `, or `name ` without labels. `name` is
    /// the family's name.
    fn encode_text(&self, name: &str, prefix: &[u8], encoder: &mut Encoder);

    /// Writes the value in protobuf.
    fn encode_protobuf(&self, series: SeriesWriter<'_>);
}

/// The labels in a series' text `name{labels} `, without braces.
#[inline]
pub(crate) fn labels_in<'s>(name: &str, prefix: &'s [u8]) -> &'s [u8] {
    let labels = prefix.get(name.len() + "{".len()..);
    labels.and_then(|labels| labels.strip_suffix(b"} ")).unwrap_or_default()
}
