//! Every error of this crate.

use crate::port_holder::PortHolder;

/// An environment variable whose value cannot be used. Credentials in it are not shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("environment variable `{variable}` is `{}`, expected {expected}", value.escape_debug())]
pub struct EnvironmentError {
    /// The variable's name.
    pub variable: &'static str,
    /// Its value, without credentials.
    pub value: String,
    /// What it should have been.
    pub expected: &'static str,
}

/// A body that is no OTLP export.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OtlpError {
    /// The `Content-Encoding` is not known.
    #[error(
        "content encoding `{}` is not supported: `gzip` and `deflate` are",
        encoding.escape_debug()
    )]
    ContentEncoding {
        /// What it is.
        encoding: String,
    },
    /// The body has more bytes than allowed, as sent or unpacked.
    #[error("the body has more than {bytes_max} bytes")]
    TooLarge {
        /// How many are allowed.
        bytes_max: usize,
    },
    /// The body cannot be unpacked.
    #[error("the body is not what its content encoding `{encoding}` says")]
    Unpack {
        /// The content encoding.
        encoding: &'static str,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The body is not the protobuf of an `ExportMetricsServiceRequest`.
    #[error("the body is no `ExportMetricsServiceRequest`: {reason}")]
    Protobuf {
        /// What is wrong.
        reason: &'static str,
    },
}

/// A line that is no cardinality rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: found {}, expected {expected}", quoted(found.as_deref()))]
pub struct RulesError {
    /// The line, from 1.
    pub line: usize,
    /// The column of the word, from 1, in characters.
    pub column: usize,
    /// The word; nothing at the end of the line.
    pub found: Option<String>,
    /// What should have been there.
    pub expected: &'static str,
}

fn quoted(found: Option<&str>) -> String {
    match found {
        Some(found) => format!("`{}`", found.escape_debug()),
        None => "the end of the line".to_owned(),
    }
}

/// A scraped body that is no exposition.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScrapeError {
    /// It is a web page: `gptme-server` shows its metrics at `/api/v0/metrics` only.
    #[error("the body is a web page; `gptme-server` has its metrics at `/api/v0/metrics`")]
    WebPage,
    /// Nothing in it can be read.
    #[error("nothing in the body can be read as metrics")]
    Unreadable {
        /// The first thing that is wrong.
        #[source]
        source: Box<prompush::ParseError>,
    },
}

/// Telemetry that cannot start, or could not push.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// An environment variable cannot be used.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// Telemetry is on, there is no gateway to push to, and this program cannot serve.
    #[error(
        "telemetry is on and has nowhere to go: set `PUSHGATEWAY_URL`, or build with the feature `serve`"
    )]
    NoOutput,
    /// The pusher cannot start.
    #[error(transparent)]
    Config(#[from] prompush::ConfigError),
    /// The last push, or a flush, was not acknowledged.
    #[error(transparent)]
    Push(#[from] prompush::PushError),
    /// The metrics of the catalogue cannot be registered.
    #[error("cannot register the metrics")]
    Registry {
        /// Why not.
        #[source]
        source: Box<prompush::RegistryError>,
    },
    /// The port to serve on is another program's.
    #[error("cannot serve metrics on `{address}`: port {port} is taken by {}", holder_in_words(holder.as_ref()))]
    PortTaken {
        /// `PROMETHEUS_ADDR:PROMETHEUS_PORT`.
        address: String,
        /// The port.
        port: u16,
        /// Who has it; nothing where that cannot be told.
        holder: Option<PortHolder>,
    },
    /// The address to serve on cannot be used.
    #[error("cannot serve metrics on `{address}`")]
    Listen {
        /// `PROMETHEUS_ADDR:PROMETHEUS_PORT`.
        address: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

fn holder_in_words(holder: Option<&PortHolder>) -> String {
    match holder {
        Some(holder) => holder.to_string(),
        None => "a process that cannot be told, such as another user's".to_owned(),
    }
}
