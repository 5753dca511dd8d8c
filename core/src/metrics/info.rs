//! Infos: facts that do not change while a program runs, as labels.

use crate::collect::{Encoder, SeriesWriter};
use crate::exposition::FamilyType;
use crate::exposition::sample_names::INFO;
use crate::metrics::Sealed;

/// A metric whose labels are facts about the program, such as its version. Its value is always 1.
///
/// See [`Registry::info`](crate::Registry::info).
#[derive(Clone, Debug)]
pub struct Info(());

impl Sealed for Info {
    type Config = ();
    const FAMILY_TYPE: FamilyType = FamilyType::Info;
    const NAME_SUFFIX: &'static str = INFO;

    fn create((): &()) -> Self {
        Self(())
    }

    fn encode_text(&self, _: &str, prefix: &[u8], encoder: &mut Encoder) {
        encoder.write_number_sample(prefix, &1_u64);
    }

    fn encode_protobuf(&self, series: SeriesWriter<'_>) {
        series.write_number(1.0);
    }
}
