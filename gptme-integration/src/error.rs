//! The errors of this crate.

#[cfg(feature = "serve")]
use prompush_otlp::receiver::PortHolder;

/// An environment variable has a value that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("environment variable `{variable}` is `{}`, expected {expected}", value.escape_debug())]
pub struct EnvironmentError {
    /// The name of the variable.
    pub variable: &'static str,
    /// The value, with credentials replaced.
    pub value: String,
    /// A description of valid values.
    pub expected: &'static str,
}

/// Telemetry cannot start, or could not push.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// An environment variable cannot be used.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// Telemetry is on, but there is no gateway to push to, and the feature `serve` is off.
    #[error(
        "telemetry is on and has nowhere to go: set `PUSHGATEWAY_URL`, or build with the feature `serve`"
    )]
    NoDestination,
    /// The pusher cannot start.
    #[error(transparent)]
    Config(#[from] prompush::ConfigError),
    /// The last push, or a flush, was not acknowledged.
    #[error(transparent)]
    Push(Box<prompush::PushError>),
    /// The metrics cannot be registered.
    #[error("cannot register the metrics")]
    Registry {
        /// The error of the registry.
        #[source]
        source: Box<prompush::RegistryError>,
    },
    /// Another program listens on the port.
    #[cfg(feature = "serve")]
    #[error("cannot serve metrics on `{address}`: port {port} is taken by {}", holder_text(holder.as_ref()))]
    PortTaken {
        /// `PROMETHEUS_ADDR:PROMETHEUS_PORT`.
        address: String,
        /// The port.
        port: u16,
        /// The process that listens on it; `None` when it is not known.
        holder: Option<PortHolder>,
    },
    /// The address cannot be bound.
    #[cfg(feature = "serve")]
    #[error("cannot serve metrics on `{address}`")]
    Listen {
        /// `PROMETHEUS_ADDR:PROMETHEUS_PORT`.
        address: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
}

impl From<prompush::PushError> for TelemetryError {
    fn from(error: prompush::PushError) -> Self {
        Self::Push(Box::new(error))
    }
}

#[cfg(feature = "serve")]
fn holder_text(holder: Option<&PortHolder>) -> String {
    match holder {
        Some(holder) => holder.to_string(),
        None => "a process that cannot be identified, such as another user's".to_owned(),
    }
}
