//! What a receiver can be told.

use std::sync::Arc;

use prompush::{GatewayConfig, HttpUrl};

use crate::rules::Rules;

/// How exports become instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Instances {
    /// All exports are of one instance, whoever sends them. It ends with the receiver.
    One,
    /// Each process that sends is an instance.
    #[default]
    ByPeer,
}

/// The options and limits of a [`Receiver`](super::Receiver).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReceiverConfig {
    /// What becomes of metrics and their attributes. Default: the default rules.
    pub rules: Arc<Rules>,
    /// Where traces go: an OTLP/HTTP endpoint, with or without `/v1/traces` at its end.
    /// Default: nowhere, they are counted and dropped.
    pub traces_to: Option<HttpUrl>,
    /// How exports become instances. Default: [`Instances::ByPeer`].
    pub instances: Instances,
    /// Timeouts, TLS and proxy of the way to `traces_to`. Default: those of a gateway.
    pub traces_config: GatewayConfig,
    /// Most bytes of traces that wait for being forwarded; more are dropped. Default: 16 MiB.
    pub traces_bytes_max: usize,
    /// Most bytes of metrics that wait for being decoded; more are dropped. Default: 64 MiB.
    pub metrics_bytes_max: usize,
    /// Largest body of metrics, in bytes, when decompressed. Default: 16 MiB.
    pub body_bytes_max: usize,
    /// Most instances at a time; the exports of more are dropped. Default: 4,096.
    pub instances_max: usize,
}

/// One mebibyte, in bytes.
const MIB: usize = 1 << 20;

impl Default for ReceiverConfig {
    fn default() -> Self {
        Self {
            rules: Arc::default(),
            traces_to: None,
            instances: Instances::default(),
            traces_config: GatewayConfig::default(),
            traces_bytes_max: 16 * MIB,
            metrics_bytes_max: 64 * MIB,
            body_bytes_max: 16 * MIB,
            instances_max: 4096,
        }
    }
}

/// Writes the chained setter of each field, named after it.
macro_rules! setters {
    ($($field:ident: $type:ty),* $(,)?) => {
        impl ReceiverConfig {
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self#structfield.", stringify!($field), ").")]
                #[must_use]
                pub fn $field(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }
            )*
        }
    };
}

setters! {
    rules: Arc<Rules>,
    traces_to: Option<HttpUrl>,
    instances: Instances,
    traces_config: GatewayConfig,
    traces_bytes_max: usize,
    metrics_bytes_max: usize,
    body_bytes_max: usize,
    instances_max: usize,
}
