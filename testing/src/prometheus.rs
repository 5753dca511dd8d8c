//! The real Prometheus.

use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::binaries;
use crate::http;
use crate::process::{Launch, ServerProcess};

/// A real Prometheus as a child process on a free loopback port. It scrapes its targets with `honor_labels: true`.
///
/// Dropping it kills the process and removes its data.
pub struct Prometheus {
    process: ServerProcess,
}

impl Prometheus {
    /// Starts Prometheus and waits until it is ready. The first scrape follows within one interval.
    ///
    /// When the program is missing, returns `None` and prints the name of the skipped test.
    ///
    /// # Panics
    ///
    /// When Prometheus does not become ready: the message has its log. When the program is missing and
    /// `CI=true`.
    #[track_caller]
    pub fn start(targets: &[SocketAddr], scrape_interval: Duration) -> Option<Self> {
        let binary = binaries::find_or_skip("prometheus")?;
        let folder = TempDir::new().expect("a temporary folder");
        let config_path = folder.path().join("prometheus.yml");
        fs::write(&config_path, config(targets, scrape_interval))
            .expect("a file in the temporary folder");
        let arguments = vec![
            format!("--config.file={}", config_path.display()),
            format!("--storage.tsdb.path={}", folder.path().join("data").display()),
        ];
        let ready_path = "/-/ready".to_owned();
        let launch = Launch { binary, arguments, ready_path, ready_status: 200 };
        Some(Self { process: ServerProcess::start(launch, folder) })
    }

    /// The address of Prometheus.
    pub fn address(&self) -> SocketAddr {
        self.process.address()
    }

    /// The log of Prometheus.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Runs an instant query. Returns the `data.result` of the answer, an array of `{metric, value: [time,
    /// "text"]}`.
    ///
    /// # Errors
    ///
    /// When no answer arrives, or Prometheus refuses the query: the error has the text of the refusal.
    pub fn query(&self, promql: &str) -> io::Result<Value> {
        let answer = self.api(&format!("/api/v1/query?query={}", http::percent_encode(promql)))?;
        Ok(answer["result"].clone())
    }

    /// The metadata of a metric family: an array of `{type, help, unit}`, empty while the family is unknown.
    ///
    /// # Errors
    ///
    /// When no answer arrives, or Prometheus refuses the query: the error has the text of the refusal.
    pub fn metadata(&self, family: &str) -> io::Result<Value> {
        let answer =
            self.api(&format!("/api/v1/metadata?metric={}", http::percent_encode(family)))?;
        Ok(answer.get(family).cloned().unwrap_or_else(|| Value::Array(Vec::new())))
    }

    fn api(&self, target: &str) -> io::Result<Value> {
        let answer = http::get(self.address(), target)?;
        if answer.status != 200 {
            return Err(io::Error::other(format!(
                "prometheus answered {}: {}",
                answer.status,
                answer.text()
            )));
        }
        Ok(answer.json()["data"].clone())
    }
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Prometheus")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

fn config(targets: &[SocketAddr], scrape_interval: Duration) -> String {
    let targets: Vec<String> = targets.iter().map(|target| format!("'{target}'")).collect();
    let interval_ms = scrape_interval.as_millis();
    format!(
        "global:\n  scrape_interval: {interval_ms}ms\n  scrape_timeout: {interval_ms}ms\n\
         scrape_configs:\n- job_name: pushgateway\n  honor_labels: true\n  static_configs:\n  - targets: [{}]\n",
        targets.join(", ")
    )
}
