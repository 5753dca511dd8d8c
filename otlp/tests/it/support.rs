//! Helpers of all tests: encoding, ingesting, and receivers.

use std::time::SystemTime;

use prompush::{Encoder, Format, Source};
use prompush_http_server::content_coding::{self, ContentCoding, ContentCodingError};
use prompush_otlp::{Export, Ingested, Instance};
use prompush_testing::otlp_body::{self, Message};

#[cfg(feature = "serve")]
pub(crate) use receiving::*;

/// A source in that format.
pub(crate) fn encode(source: &impl Source, format: Format) -> Vec<u8> {
    Encoder::new(format).encode(source).unwrap().to_owned()
}

/// A source as text 0.0.4.
pub(crate) fn text(source: &impl Source) -> String {
    String::from_utf8(encode(source, Format::Text)).unwrap()
}

/// Ingests metrics of one scope.
pub(crate) fn ingest(instance: &Instance, metrics: &[Message]) -> Ingested {
    ingest_body(instance, &otlp_body::export(&[("test", metrics.concat())]))
}

/// Ingests a whole export.
pub(crate) fn ingest_body(instance: &Instance, body: &[u8]) -> Ingested {
    let export = Export::decode(body).unwrap();
    instance.ingest(&export, SystemTime::UNIX_EPOCH)
}

/// Decompresses a body as a receiver does it.
pub(crate) fn decompress(
    body: &[u8],
    content_encoding: Option<&str>,
    bytes_max: usize,
) -> Result<Vec<u8>, ContentCodingError> {
    let coding = ContentCoding::from_header(content_encoding)?;
    Ok(content_coding::decode(coding, body, bytes_max)?.into_owned())
}

/// Receivers, their metrics, and their instances.
#[cfg(feature = "serve")]
mod receiving {
    use std::time::Duration;

    use prompush_otlp::receiver::{InstanceSnapshot, OtlpReceiver, ReceiverConfig};
    use prompush_testing::wait_for;

    use super::text;

    /// The longest wait for something that should happen at once.
    pub(crate) const SOON: Duration = Duration::from_secs(20);

    pub(crate) fn receiver() -> OtlpReceiver {
        receiver_with(ReceiverConfig::default())
    }

    pub(crate) fn receiver_with(config: ReceiverConfig) -> OtlpReceiver {
        let config = config.traces_config(
            prompush::GatewayConfig::default()
                .proxy_from_environment(false)
                .attempt_timeout(Duration::from_secs(5)),
        );
        OtlpReceiver::bind("127.0.0.1:0", config).expect("a free port")
    }

    /// The samples of an instance whose lines contain `part`.
    pub(crate) fn samples(snapshot: &InstanceSnapshot, part: &str) -> Vec<String> {
        let text = text(snapshot);
        text.lines()
            .filter(|line| !line.starts_with('#') && line.contains(part))
            .map(str::to_owned)
            .collect()
    }

    /// The value of one of the receiver's own metrics.
    pub(crate) fn counted(receiver: &OtlpReceiver, series: &str) -> u64 {
        let text = text(receiver.metrics());
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// Waits until one of the receiver's own metrics has reached `count`.
    pub(crate) fn wait_for_count(receiver: &OtlpReceiver, series: &str, count: u64) {
        prompush_testing::wait_until(SOON, &format!("{series} is {count}"), || {
            counted(receiver, series) >= count
        });
    }

    /// Waits until `holds` accepts the instances, and returns them.
    pub(crate) fn wait_for_instances(
        receiver: &OtlpReceiver,
        what: &str,
        mut holds: impl FnMut(&[InstanceSnapshot]) -> bool,
    ) -> Vec<InstanceSnapshot> {
        wait_for(SOON, what, || {
            let instances = receiver.instances();
            holds(&instances).then_some(instances)
        })
    }
}
