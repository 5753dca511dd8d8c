//! The bridge to `prometheus_client`: its registry as a source, ours as its collector.

#[cfg(feature = "native-histograms")]
mod native_histograms;

use std::fmt;
use std::hash::Hash;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType as TheirType;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry as TheirRegistry;

use crate::encoder::Encoder;
use crate::error::EncodeError;
use crate::exposition::{HistogramValue, Metric, MetricFamily, MetricType, MetricValue};
use crate::format::Format;
use crate::name::LabelName;
use crate::parse::parse;
use crate::registry::Registry;
use crate::source::Source;

impl Source for TheirRegistry {
    /// Reads the registry by way of its OpenMetrics text, which is the only way it can be read
    /// without the feature `native-histograms`. With it, protobuf is made of the registry's own
    /// protobuf, exemplars included.
    ///
    /// A native histogram goes out in protobuf, and in text as its classic buckets.
    ///
    /// # Errors
    /// [`EncodeError::NativeHistogram`] for one that has no classic buckets, in text and wherever
    /// the feature is off.
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        #[cfg(feature = "native-histograms")]
        if encoder.format() == Format::Protobuf {
            return native_histograms::gather(self, encoder);
        }
        let mut body = String::new();
        prometheus_client::encoding::text::encode(&mut body, self).map_err(|_| unwritten(&body))?;
        let body = escape_helps(&body);
        let exposition = parse(body.as_bytes(), Format::OpenMetrics).map_err(|error| {
            let line = body.lines().nth(error.line.saturating_sub(1)).unwrap_or_default();
            EncodeError::PrometheusClient(format!("{} in `{}`", error.kind, line.escape_debug()))
        })?;
        exposition.gather(encoder)
    }
}

/// Why the text ends where it does. The error itself says nothing, but the family that could not
/// be written has the last `# TYPE` line, and of `prometheus_client`'s own metrics only native
/// histograms cannot be written.
fn unwritten(body: &str) -> EncodeError {
    let of_type = body.lines().rev().find_map(|line| line.strip_prefix("# TYPE "));
    match of_type.and_then(|of_type| of_type.split_once(' ')) {
        Some((name, "histogram")) => EncodeError::NativeHistogram(name.to_owned()),
        Some((name, _)) => {
            EncodeError::PrometheusClient(format!("metric `{name}` cannot write itself"))
        }
        None => EncodeError::PrometheusClient("it cannot write itself".to_owned()),
    }
}

/// `prometheus_client` writes help texts as they are; a line feed or a backslash in one breaks
/// its exposition. A help text ends where the `# TYPE` line of its family begins.
fn escape_helps(body: &str) -> String {
    let mut escaped = String::with_capacity(body.len() + 64);
    let mut rest = body;
    while !rest.is_empty() {
        let help = rest.strip_prefix("# HELP ").and_then(|after| {
            let (name, after_name) = after.split_once(' ')?;
            let (help, _) = after_name.split_once(&format!("\n# TYPE {name} "))?;
            Some((name, help))
        });
        let length = if let Some((name, help)) = help {
            escaped.push_str("# HELP ");
            escaped.push_str(name);
            escaped.push(' ');
            escaped.push_str(&help.replace('\\', "\\\\").replace('\n', "\\n"));
            escaped.push('\n');
            "# HELP  \n".len() + name.len() + help.len()
        } else {
            let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
            escaped.push_str(rest.get(..length).unwrap_or_default());
            length
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    escaped
}

/// The labels of a derived label set as text, without braces; `None` if it cannot be encoded, or
/// has a name that is not allowed, or is `reserved`.
///
/// `prometheus_client` writes a label set only as a part of a metric: this is what it writes of
/// an info.
pub(crate) fn rendered_labels<L: EncodeLabelSet + Clone + Eq + Hash + Send + Sync + 'static>(
    labels: &L,
    reserved: Option<&str>,
) -> Option<String> {
    let mut registry = TheirRegistry::default();
    registry.register("x", "", Info::new(Rendered(labels.clone())));
    let mut body = String::new();
    prometheus_client::encoding::text::encode(&mut body, &registry).ok()?;
    let exposition = parse(body.as_bytes(), Format::OpenMetrics).ok()?;
    let of_metric = exposition.families.first().and_then(|family| family.metrics.first());
    let labels = of_metric.map(|metric| metric.labels.clone()).unwrap_or_default();
    let is_bad = |name: &str| LabelName::new(name).is_err() || reserved == Some(name);
    if labels.iter().any(|(name, _)| is_bad(name)) {
        return None;
    }
    let text = body.split_once("x_info{").and_then(|(_, rest)| rest.rsplit_once("} 1\n"));
    Some(text.map(|(text, _)| text.to_owned()).unwrap_or_default())
}

/// A label set that need not be `Debug`, though `prometheus_client` asks for it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Rendered<L>(L);

impl<L> fmt::Debug for Rendered<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rendered")
    }
}

impl<L: EncodeLabelSet> EncodeLabelSet for Rendered<L> {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelSetEncoder<'_>,
    ) -> Result<(), fmt::Error> {
        self.0.encode(encoder)
    }
}

impl Collector for Registry {
    /// Whole numbers above 2^53 are rounded on this way.
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut text = Encoder::new(Format::Text);
        let text = text.encode(self).map_err(|_| fmt::Error)?;
        let exposition = parse(text, Format::Text).map_err(|_| fmt::Error)?;
        exposition.families.iter().try_for_each(|family| encode_family(&mut encoder, family))
    }
}

fn encode_family(
    encoder: &mut DescriptorEncoder<'_>,
    family: &MetricFamily<'_>,
) -> Result<(), fmt::Error> {
    let (name, their_type) = match family.metric_type {
        MetricType::Counter => {
            (family.name.strip_suffix("_total").unwrap_or(&family.name), TheirType::Counter)
        }
        MetricType::Histogram => (&*family.name, TheirType::Histogram),
        MetricType::Gauge => (&*family.name, TheirType::Gauge),
        MetricType::Summary | MetricType::Untyped => (&*family.name, TheirType::Unknown),
    };
    let help = family.help.as_deref().unwrap_or_default();
    let mut encoder = encoder.encode_descriptor(name, help, None, their_type)?;
    for metric in &family.metrics {
        let labels: Vec<(&str, &str)> = metric.labels.iter().collect();
        encode_metric(encoder.encode_family(&labels)?, family.metric_type, metric)?;
    }
    Ok(())
}

fn encode_metric(
    mut encoder: prometheus_client::encoding::MetricEncoder<'_>,
    metric_type: MetricType,
    metric: &Metric<'_>,
) -> Result<(), fmt::Error> {
    match &metric.value {
        MetricValue::Number(value) if metric_type == MetricType::Counter => {
            encoder.encode_counter::<NoLabelSet, _, f64>(value, None)
        }
        MetricValue::Number(value) => encoder.encode_gauge(value),
        MetricValue::Histogram(histogram) => {
            let (count, buckets) = single_counts(histogram);
            encoder.encode_histogram::<NoLabelSet>(histogram.sum, count, &buckets, None)
        }
        // Our registry has no summaries.
        MetricValue::Summary(_) => Ok(()),
    }
}

/// How many observations fell into each bucket alone, as `prometheus_client` wants it.
fn single_counts(histogram: &HistogramValue) -> (u64, Vec<(f64, u64)>) {
    let mut below = 0;
    let buckets = histogram.buckets.iter().map(|bucket| {
        let cumulative = whole(bucket.cumulative_count);
        let single = cumulative - below;
        below = cumulative;
        (bucket.upper_bound, single)
    });
    (whole(histogram.count), buckets.collect())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of ours")]
fn whole(count: f64) -> u64 {
    count as u64
}
