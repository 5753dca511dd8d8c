//! A `prometheus_client` registry as a source.

use prometheus_client::registry::Registry as PrometheusClientRegistry;

use crate::collect::{Encoder, Source};
use crate::error::EncodeError;
use crate::exposition::{Format, parse};

impl Source for PrometheusClientRegistry {
    /// Encodes the registry as OpenMetrics text with its own encoder, and parses that text.
    ///
    /// With the feature `native-histograms`, protobuf is made from the registry's own protobuf instead.
    /// The body has native histograms and exemplars. In a text format, a native histogram is shown by its
    /// classic buckets.
    ///
    /// # Errors
    /// [`EncodeError::NativeHistogram`] for a native histogram without classic buckets, in a text format
    /// or without the feature. [`EncodeError::PrometheusClient`] if the registry cannot be encoded.
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        #[cfg(feature = "native-histograms")]
        if encoder.format() == Format::Protobuf {
            return crate::prometheus_client::native_histograms::gather(self, encoder);
        }
        let mut body = String::new();
        prometheus_client::encoding::text::encode(&mut body, self)
            .map_err(|_| encode_failure(&body))?;
        let body = escape_helps(&body);
        let exposition = parse(body.as_bytes(), Format::OpenMetrics).map_err(|error| {
            let line = body.lines().nth(error.line.saturating_sub(1)).unwrap_or_default();
            EncodeError::PrometheusClient(format!("{} in `{}`", error.kind, line.escape_debug()))
        })?;
        exposition.gather(encoder)
    }
}

/// The reason why the registry could not be encoded, found in the incomplete text `body`.
///
/// The error of `prometheus_client` has no details. But the last `# TYPE` line is that of the family
/// that failed, and the only metrics of `prometheus_client` that fail are native histograms.
fn encode_failure(body: &str) -> EncodeError {
    let of_type = body.lines().rev().find_map(|line| line.strip_prefix("# TYPE "));
    match of_type.and_then(|of_type| of_type.split_once(' ')) {
        Some((name, "histogram")) => EncodeError::NativeHistogram(name.to_owned()),
        Some((name, _)) => {
            EncodeError::PrometheusClient(format!("metric `{name}` cannot write itself"))
        }
        None => EncodeError::PrometheusClient("it cannot write itself".to_owned()),
    }
}

/// Escapes the help texts in a body of `prometheus_client`, which writes them as they are. A line feed or a
/// backslash in a help text would break the exposition.
///
/// A help text ends where the `# TYPE` line of its family begins.
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
