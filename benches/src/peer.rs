//! The libraries that are compared, each behind the same few operations.
//!
//! Each file uses its library as the documentation of that library does. Where the documentation shows two ways, the
//! file takes the faster one.

mod client;
mod exporter;
mod for_each;
mod library;
mod measured;
mod prompush;
mod tikv;

pub use self::client::PrometheusClient;
pub use self::exporter::MetricsExporter;
pub use self::library::Peer;
pub use self::measured::Measured;
pub use self::prompush::Prompush;
pub use self::tikv::Tikv;
