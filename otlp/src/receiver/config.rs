//! The options and limits of a receiver.

use std::sync::Arc;

use prompush::{GatewayConfig, HttpUrl};

use crate::rules::Rules;

/// The way to tell which exports belong to the same instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InstanceMode {
    /// All exports belong to one instance, whoever sends them. It ends with the receiver.
    Single,
    /// Each process that sends is an instance of its own.
    #[default]
    PerProcess,
}

/// The options and limits of an [`OtlpReceiver`](crate::receiver::OtlpReceiver).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReceiverConfig {
    /// The rules that say which metrics and attributes become series. Default: [`Rules::default`].
    pub rules: Arc<Rules>,
    /// The OTLP/HTTP endpoint to forward traces to, with or without `/v1/traces` at its end.
    /// Default: none; traces are counted and dropped.
    pub traces_to: Option<HttpUrl>,
    /// The way to tell which exports belong to the same instance. Default: [`InstanceMode::PerProcess`].
    pub instance_mode: InstanceMode,
    /// Timeouts, TLS and proxy of the connection to `traces_to`. Default: those of a gateway.
    pub traces_config: GatewayConfig,
    /// Most bytes of traces that wait to be forwarded; more are dropped. Default: 16 MiB.
    pub traces_bytes_max: usize,
    /// Most bytes of metrics that wait to be decoded; more are dropped. Default: 64 MiB.
    pub metrics_bytes_max: usize,
    /// Largest body of metrics after decompression, in bytes. Default: 16 MiB.
    pub body_bytes_max: usize,
    /// Most instances at a time; exports of further instances are dropped. Default: 4,096.
    pub instances_max: usize,
}

/// One mebibyte, in bytes.
const MIB: usize = 1 << 20;

impl Default for ReceiverConfig {
    fn default() -> Self {
        Self {
            rules: Arc::default(),
            traces_to: None,
            instance_mode: InstanceMode::default(),
            traces_config: GatewayConfig::default(),
            traces_bytes_max: 16 * MIB,
            metrics_bytes_max: 64 * MIB,
            body_bytes_max: 16 * MIB,
            instances_max: 4096,
        }
    }
}

prompush_core::config_setters! {
    ReceiverConfig {
        rules: Arc<Rules>,
        traces_to: Option<HttpUrl>,
        instance_mode: InstanceMode,
        traces_config: GatewayConfig,
        traces_bytes_max: usize,
        metrics_bytes_max: usize,
        body_bytes_max: usize,
        instances_max: usize,
    }
}
