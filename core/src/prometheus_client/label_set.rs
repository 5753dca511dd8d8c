//! Families whose label sets derive `prometheus_client`'s `EncodeLabelSet`.

use std::fmt;
use std::hash::{BuildHasher as _, Hash};
use std::marker::PhantomData;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry as PrometheusClientRegistry;

use crate::error::RegistryError;
use crate::exposition::{Format, parse};
use crate::labels::Sealed;
use crate::metrics::series_map::SeriesMap;
use crate::metrics::{Family, MetricKind, Registry};
use crate::name::LabelName;
use crate::sync::Ordering::Relaxed;

/// The labels of a [`Family`] whose label sets are values of the type `L`, which derives
/// `prometheus_client`'s `EncodeLabelSet` and is `Clone + Eq + Hash`.
///
/// A marker type: it is never made. See [`Registry::derived_family`].
#[derive(Clone, Copy, Debug)]
pub struct DerivedLabels<L>(PhantomData<L>);

impl<L> Sealed for DerivedLabels<L>
where
    L: EncodeLabelSet + Clone + Eq + Hash + Send + Sync + 'static,
{
    type Index<M: Clone + Send + Sync + 'static> = LabelSetIndex<L, M>;
}

/// The metrics of a family by label set. Label sets with the same text share one metric.
#[derive(Debug)]
pub struct LabelSetIndex<L, M>(SeriesMap<(L, M)>);

impl<L, M> Default for LabelSetIndex<L, M> {
    fn default() -> Self {
        Self(SeriesMap::new())
    }
}

impl<L, M: MetricKind> Family<DerivedLabels<L>, M>
where
    L: EncodeLabelSet + Clone + Eq + Hash + Send + Sync + 'static,
{
    /// Returns the metric with this label set. Creates the metric if there is none yet.
    ///
    /// The overflow series takes a label set that cannot encode itself, or that has a label name
    /// which is not allowed, just as it takes label sets beyond the
    /// [limit](Self::limit_series).
    #[inline]
    pub fn get_or_create(&self, labels: &L) -> &M {
        let state = &*self.state;
        let hash = state.hasher.hash_one(labels);
        let matches = |(key, _): &(L, M)| key == labels;
        if let Some((_, metric)) = self.index.0.find(hash, matches) {
            return metric;
        }
        let Some(text) = label_set_text(labels, M::RESERVED_LABEL) else {
            return state.overflow_metric();
        };
        let metric = state.metric_with_label_text(text.as_bytes());
        let new = (labels.clone(), metric.clone());
        let max = state.series_max.load(Relaxed);
        self.index.0.find_or_insert(hash, matches, max, new).map_or(metric, |(_, metric)| metric)
    }
}

impl Registry {
    /// Registers metrics whose label sets derive `prometheus_client`'s `EncodeLabelSet`.
    ///
    /// # Errors
    /// As for [`counter`](Self::counter). Label names are checked later, when
    /// [`Family::get_or_create`] gets the first label set.
    pub fn derived_family<L, M: MetricKind>(
        &self,
        name: &str,
        help: &str,
        config: M::Config,
    ) -> Result<Family<DerivedLabels<L>, M>, RegistryError>
    where
        L: EncodeLabelSet + Clone + Eq + Hash + Send + Sync + 'static,
    {
        self.register(name, help, Box::new([]), config)
    }
}

/// The text of a derived label set, without braces. `None` if the label set cannot be encoded, or
/// has a label name that is not allowed or is `reserved`.
///
/// `prometheus_client` writes a label set only as a part of a metric. So this function registers an
/// info with the label set, encodes it, and takes the text from between the braces.
fn label_set_text<L: EncodeLabelSet + Clone + Eq + Hash + Send + Sync + 'static>(
    labels: &L,
    reserved: Option<&str>,
) -> Option<String> {
    let mut registry = PrometheusClientRegistry::default();
    registry.register("x", "", Info::new(WithoutDebug(labels.clone())));
    let mut body = String::new();
    encode(&mut body, &registry).ok()?;
    let exposition = parse(body.as_bytes(), Format::OpenMetrics).ok()?;
    let metric = exposition.families.first().and_then(|family| family.metrics.first());
    let labels = metric.map(|metric| metric.labels.clone()).unwrap_or_default();
    let is_refused = |name: &str| LabelName::new(name).is_err() || reserved == Some(name);
    if labels.iter().any(|(name, _)| is_refused(name)) {
        return None;
    }
    let text = body.split_once("x_info{").and_then(|(_, rest)| rest.rsplit_once("} 1\n"));
    Some(text.map(|(text, _)| text.to_owned()).unwrap_or_default())
}

/// Makes a label set that is not `Debug` fit for `prometheus_client`, which asks for `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
struct WithoutDebug<L>(L);

impl<L> fmt::Debug for WithoutDebug<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WithoutDebug")
    }
}

impl<L: EncodeLabelSet> EncodeLabelSet for WithoutDebug<L> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.encode(encoder)
    }
}
