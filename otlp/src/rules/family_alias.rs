//! A counter under a second name.

use std::borrow::Cow;

use prompush_core::{MetricFamily, MetricType};

/// A counter that is pushed under a second name as well, without the series of one label value.
///
/// Use an alias for a dashboard that expects another name, or for a counter with a series that is
/// the total of its other series: without that series, the sum over all series is right.
///
/// ```
/// use prompush_otlp::{FamilyAlias, Rules};
///
/// const BYTES: FamilyAlias = FamilyAlias {
///     name: "shop_bytes_total",
///     help: "Bytes by direction, each counted once.",
///     sources: &["shop_bytes_moved_total"],
///     without: ("direction", "both"),
/// };
/// let rules = Rules::default().with_alias(BYTES);
/// # assert_eq!(rules.samples_max(), 2000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilyAlias {
    /// The second name. A rule that drops this metric switches the alias off.
    pub name: &'static str,
    /// The help text of the family with the second name.
    pub help: &'static str,
    /// Names in Prometheus of the counter to copy: the first that the program has is copied.
    pub sources: &'static [&'static str],
    /// A label name and value: series with this label are left out of the copy.
    pub without: (&'static str, &'static str),
}

impl FamilyAlias {
    /// Appends the copy to `families`, unless the program has a family of that name itself, or
    /// has none of the sources.
    pub(crate) fn append(&self, families: &mut Vec<MetricFamily<'_>>) {
        if families.iter().any(|family| family.name == self.name) {
            return;
        }
        let is_source = |family: &&MetricFamily<'_>| {
            self.sources.contains(&&*family.name) && family.metric_type == MetricType::Counter
        };
        let Some(source) = families.iter().find(is_source) else { return };
        let mut copy = source.clone();
        copy.name = Cow::Borrowed(self.name);
        copy.help = Some(Cow::Borrowed(self.help));
        copy.metrics.retain(|metric| !metric.labels.iter().any(|label| label == self.without));
        if !copy.metrics.is_empty() {
            families.push(copy);
        }
    }
}
