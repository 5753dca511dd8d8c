//! A `prometheus_client` registry in protobuf, with its native histograms.
//!
//! Only `prometheus_client`'s own protobuf encoder sees native buckets. That encoder makes generated
//! structs, so the feature needs a compiler for `metrics.proto` at build time.

use prometheus_client::encoding::prometheus_protobuf::{self, prometheus_data_model as proto};
use prometheus_client::registry::Registry;

use crate::collect::Encoder;
use crate::error::{EncodeError, NameError};
use crate::exposition::MetricType;
use crate::name::{LabelName, MetricName};

/// Writes the families of `registry` into `encoder`.
///
/// # Errors
/// [`EncodeError::PrometheusClient`] if the registry cannot be encoded, or has a name that is not
/// allowed.
pub(crate) fn gather(registry: &Registry, encoder: &mut Encoder) -> Result<(), EncodeError> {
    let families = prometheus_protobuf::encode(registry).map_err(|_| {
        EncodeError::PrometheusClient("it cannot write itself as protobuf".to_owned())
    })?;
    for family in families.iter().filter(|family| !family.metric.is_empty()) {
        check_names(family).map_err(|error| EncodeError::PrometheusClient(error.to_string()))?;
        let help = Some(&*family.help).filter(|help| !help.is_empty());
        let metrics = family.metric.iter().map(|metric| (metric, samples(metric)));
        encoder
            .write_foreign_family(&family.name, help, metric_type(family), metrics)
            .map_err(|error| EncodeError::PrometheusClient(error.to_string()))?;
    }
    Ok(())
}

fn check_names(family: &proto::MetricFamily) -> Result<(), NameError> {
    MetricName::new(&family.name)?;
    let mut labels = family.metric.iter().flat_map(|metric| &metric.label);
    labels.try_for_each(|label| LabelName::new(&label.name).map(drop))
}

fn metric_type(family: &proto::MetricFamily) -> MetricType {
    match family.r#type() {
        proto::MetricType::Counter => MetricType::Counter,
        proto::MetricType::Gauge => MetricType::Gauge,
        proto::MetricType::Summary => MetricType::Summary,
        proto::MetricType::Untyped => MetricType::Untyped,
        proto::MetricType::Histogram | proto::MetricType::GaugeHistogram => MetricType::Histogram,
    }
}

/// The number of lines that the metric has in a text format, where a native histogram has at least the
/// bucket `+Inf`.
fn samples(metric: &proto::Metric) -> usize {
    metric.histogram.as_ref().map_or(1, |histogram| histogram.bucket.len().max(1) + 2)
}
