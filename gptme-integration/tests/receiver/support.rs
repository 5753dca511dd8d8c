//! Receivers, fixtures, and what is pushed of an instance.

use std::path::Path;
use std::time::Duration;

use prompush::{Encoder, Format};
use prompush_gptme::receiver::{Receiver, ReceiverConfig, Snapshot};
use prompush_testing::wait_for;

/// Longest time for what should happen at once.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) fn receiver() -> Receiver {
    receiver_with(ReceiverConfig::default())
}

pub(crate) fn receiver_with(config: ReceiverConfig) -> Receiver {
    let config = config.traces_config(
        prompush::GatewayConfig::default()
            .proxy_from_environment(false)
            .attempt_timeout(Duration::from_secs(5)),
    );
    Receiver::bind("127.0.0.1:0", config).expect("a free port")
}

/// A body as gptme sent it.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/otlp");
    std::fs::read(folder.join(format!("{name}.bin"))).expect("a fixture")
}

/// What is pushed of it.
pub(crate) fn text(snapshot: &Snapshot) -> String {
    let mut encoder = Encoder::new(Format::Text);
    String::from_utf8(encoder.encode(snapshot).expect("it can be encoded").to_vec()).expect("text")
}

/// The samples of its own metrics that hold `part`.
pub(crate) fn samples(snapshot: &Snapshot, part: &str) -> Vec<String> {
    let text = text(snapshot);
    text.lines()
        .filter(|line| !line.starts_with('#') && line.contains(part))
        .map(str::to_owned)
        .collect()
}

/// The value of one of the receiver's own metrics.
pub(crate) fn counted(receiver: &Receiver, series: &str) -> u64 {
    let mut encoder = Encoder::new(Format::Text);
    let text = encoder.encode(receiver.metrics()).expect("it can be encoded").to_vec();
    let text = String::from_utf8(text).expect("text");
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// Waits until so many bodies of metrics were absorbed or dropped, and no queue holds another one.
pub(crate) fn wait_for_count(receiver: &Receiver, series: &str, count: u64) {
    prompush_testing::wait_until(SOON, &format!("{series} is {count}"), || {
        counted(receiver, series) >= count
    });
}

/// The instances, as soon as there are `count` of them that `hold`.
pub(crate) fn wait_for_instances(
    receiver: &Receiver,
    what: &str,
    mut holds: impl FnMut(&[Snapshot]) -> bool,
) -> Vec<Snapshot> {
    wait_for(SOON, what, || {
        let instances = receiver.instances();
        holds(&instances).then_some(instances)
    })
}
