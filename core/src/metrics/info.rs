//! Infos: what does not change while a program runs, as labels.

use crate::encoder::{Encoder, SeriesWriter};
use crate::metric_kind::MetricKind;
use crate::metric_kind::sealed::{FamilyType, Sealed};

/// A metric whose labels say something about the program, such as its version; its value is 1.
#[derive(Clone, Debug)]
pub struct Info(());

impl MetricKind for Info {}

impl Sealed for Info {
    type Config = ();
    const FAMILY_TYPE: FamilyType = FamilyType::Info;
    const NAME_SUFFIX: &'static str = "_info";
    const TEXT_SUFFIX: &'static str = "";
    const HAS_BUCKETS: bool = false;

    fn create((): &()) -> Self {
        Self(())
    }

    fn encode(&self, _: &str, text: &[u8], encoder: &mut Encoder) {
        encoder.raw(text);
        encoder.end_integer(1);
    }

    fn encode_protobuf(&self, series: SeriesWriter<'_>) {
        series.number(1.0);
    }
}
