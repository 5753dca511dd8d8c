//! Guards the encoding of native histograms: all their buckets in protobuf with the feature, their classic
//! buckets in text, and an error with the metric's name where a format has neither.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::{Histogram, NativeHistogramConfig};
use prometheus_client::registry::Registry;
use prompush_core::{EncodeError, Encoder, Format};

fn observed(histogram: &Histogram) -> Histogram {
    for value in [0.5, 1.0, 4.0, -2.0] {
        histogram.observe(value);
    }
    histogram.clone()
}

fn both() -> Registry {
    let mut registry = Registry::with_prefix("app");
    let histogram =
        Histogram::new_classic_and_native([1.0, 2.0], NativeHistogramConfig::with_schema(0));
    registry.register("both_seconds", "Classic and native", observed(&histogram));
    registry.register("runs", "Runs", Counter::<u64>::default());
    registry
}

fn native_only() -> Registry {
    let mut registry = both();
    let histogram = Histogram::new_native(NativeHistogramConfig::with_schema(0));
    registry.register("native_seconds", "# TYPE x gauge\nNative", observed(&histogram));
    registry
}

#[test]
fn text_has_the_classic_buckets() {
    let mut encoder = Encoder::new(Format::Text);
    assert_eq!(
        String::from_utf8_lossy(encoder.encode(&both()).unwrap()),
        "# HELP app_both_seconds Classic and native.\n# TYPE app_both_seconds histogram\n\
         app_both_seconds_bucket{le=\"1\"} 3\napp_both_seconds_bucket{le=\"2\"} 3\n\
         app_both_seconds_bucket{le=\"+Inf\"} 4\napp_both_seconds_sum 3.5\n\
         app_both_seconds_count 4\n\
         # HELP app_runs_total Runs.\n# TYPE app_runs_total counter\napp_runs_total 0\n"
    );
}

#[test]
fn the_error_names_a_metric_that_a_format_cannot_show() {
    let with_feature = cfg!(feature = "native-histograms");
    for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
        let result = Encoder::new(format).encode(&native_only()).map(<[u8]>::len);
        if format == Format::Protobuf && with_feature {
            assert!(result.is_ok());
        } else {
            let error = EncodeError::NativeHistogram("app_native_seconds".to_owned());
            assert_eq!(result, Err(error), "{format:?}");
        }
    }
}

#[cfg(feature = "native-histograms")]
mod in_protobuf {
    use super::{both, native_only};
    use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model as proto;
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::registry::Registry as TheirRegistry;
    use prompush_core::{Encoder, Format, Registry, protobuf};
    use prompush_testing::{Pushgateway, Version};
    use prost::Message as _;

    fn decoded(mut body: &[u8]) -> Vec<proto::MetricFamily> {
        let mut families = Vec::new();
        while !body.is_empty() {
            families.push(proto::MetricFamily::decode_length_delimited(&mut body).unwrap());
        }
        families
    }

    fn histogram(families: &[proto::MetricFamily], name: &str) -> proto::Histogram {
        let family = families.iter().find(|family| family.name == name).unwrap();
        family.metric[0].histogram.clone().unwrap()
    }

    #[test]
    fn native_histograms_are_complete_beside_other_sources() {
        let ours = Registry::new();
        ours.gauge("app_m", "M.").unwrap().set(1.0);
        let mut encoder = Encoder::new(Format::Protobuf);
        let families = decoded(encoder.encode(&(&ours, native_only())).unwrap());
        let names: Vec<&str> = families.iter().map(|family| &*family.name).collect();
        assert_eq!(names, ["app_both_seconds", "app_m", "app_native_seconds", "app_runs_total"]);
        let native = histogram(&families, "app_native_seconds");
        assert_eq!((native.sample_count, native.sample_sum, native.schema), (4, 3.5, 0));
        assert_eq!((native.positive_delta.len(), native.negative_delta.len()), (4, 1));
        assert!(native.bucket.is_empty());
        assert_eq!(families[2].help, "# TYPE x gauge\nNative.");
        let classic = histogram(&families, "app_both_seconds");
        assert_eq!(classic.bucket.len(), 3);
        assert!(classic.bucket[2].upper_bound.is_infinite());
        assert_eq!(classic.positive_delta, native.positive_delta);
        let text = Encoder::new(Format::Text).encode(&both()).map(<[u8]>::to_vec).unwrap();
        let text = prompush_core::parse(&text, Format::Text).unwrap();
        let mut of_both = Encoder::new(Format::Protobuf);
        let of_both = protobuf::decode(of_both.encode(&both()).unwrap()).unwrap();
        for (protobuf, text) in of_both.families.iter().zip(&text.families) {
            assert_eq!((&protobuf.name, &protobuf.help), (&text.name, &text.help));
            assert_eq!(protobuf.metrics[0].value, text.metrics[0].value);
        }
        // Without classic buckets, a native histogram counts as three samples, as in a gateway's text.
        assert_eq!(encoder.samples(), 5 + 1 + 3 + 1);
    }

    #[test]
    fn names_that_are_not_allowed_are_an_error() {
        let mut registry = TheirRegistry::default();
        registry.register("bad name-1", "", Counter::<u64>::default());
        let error = Encoder::new(Format::Protobuf).encode(&registry).map(<[u8]>::len).unwrap_err();
        assert!(error.to_string().contains("bad name-1"), "{error}");
    }

    #[test]
    fn gateways_keep_them_whole() {
        const FORMAT: Format = Format::Protobuf;
        for version in Version::ALL {
            let Some(gateway) = Pushgateway::start(version) else { continue };
            let mut encoder = Encoder::new(FORMAT);
            let body = encoder.encode(&native_only()).unwrap();
            let headers = [("Content-Type", FORMAT.content_type())];
            let answer = gateway.request("PUT", "/metrics/job/test", &headers, body);
            assert_eq!(answer.status, 200, "{version}: {}", answer.text());
            let accept = [("Accept", FORMAT.content_type())];
            let answer = gateway.request("GET", "/metrics", &accept, &[]);
            let (kept, pushed) = (decoded(&answer.body), decoded(body));
            for name in ["app_native_seconds", "app_both_seconds"] {
                let mut pushed = histogram(&pushed, name);
                let mut kept = histogram(&kept, name);
                // client_golang leaves the field out, and the older gateway does not have it.
                kept.bucket.retain(|bucket| bucket.upper_bound.is_finite());
                pushed.bucket.retain(|bucket| bucket.upper_bound.is_finite());
                assert_eq!(kept, pushed, "{version}");
            }
        }
    }
}
