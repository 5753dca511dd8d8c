//! A gateway of ours for tests, its configurations, and readers of what a gateway has.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

pub(crate) use prompush_core::clock::ManualClock;
use prompush_gateway::{Config, Server, ShutdownHandle};
use prompush_testing::http::{self, Response};
use prompush_testing::wait_until;
use serde_json::Value;

/// How a refusal of an inconsistent push begins.
pub(crate) const INCONSISTENT: &str =
    "pushed metrics are invalid or inconsistent with existing metrics: ";

/// Time within which a gateway answers, or ends a connection.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// A configuration that allows [`wipe`].
pub(crate) fn admin_config() -> Config {
    let mut config = Config::default();
    config.enable_admin_api = true;
    config
}

/// A gateway on a free loopback port. Dropping it shuts it down.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    shutdown: ShutdownHandle,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::start_with(Config::default())
    }

    pub(crate) fn start_with(config: Config) -> Self {
        Self::launch(config, Server::bind)
    }

    pub(crate) fn start_with_clock(config: Config, clock: &Arc<ManualClock>) -> Self {
        let clock = Arc::clone(clock);
        Self::launch(config, move |config| Server::bind_with_clock(config, clock))
    }

    fn launch(
        mut config: Config,
        bind: impl FnOnce(Config) -> Result<Server, prompush_gateway::GatewayError>,
    ) -> Self {
        config.listen = vec!["127.0.0.1:0".to_owned()];
        let server = bind(config).expect("a free loopback port");
        let (address, shutdown) = (server.addresses()[0], server.shutdown_handle());
        let thread = std::thread::Builder::new()
            .name("gateway".to_owned())
            .spawn(move || server.run().expect("the server runs"))
            .expect("a thread");
        Self { address, shutdown, thread: Some(thread) }
    }

    pub(crate) fn request(&self, method: &str, target: &str, body: &[u8]) -> Response {
        http::request(self.address, method, target, &[], body).expect("an answer")
    }

    pub(crate) fn put(&self, target: &str, body: &str) -> Response {
        self.request("PUT", target, body.as_bytes())
    }

    pub(crate) fn scrape(&self) -> Vec<String> {
        pushed_part(self.address).expect("a scrape")
    }

    pub(crate) fn groups(&self) -> Value {
        groups(self.address)
    }

    /// A connection on which reads have a timeout.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(READ_TIMEOUT)).expect("a timeout");
        stream
    }

    /// Waits until the server has shut down without this handle.
    pub(crate) fn join(mut self) {
        self.thread.take().expect("a running server").join().expect("no panic");
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shutdown.shutdown();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ended without a panic");
        }
    }
}

/// The lines of a scrape that come from pushed bodies. `None` if the scrape fails.
pub(crate) fn pushed_part(address: SocketAddr) -> Option<Vec<String>> {
    const OWN: [&str; 6] = [
        "go_",
        "process_",
        "promhttp_",
        "pushgateway_",
        "push_time_seconds",
        "push_failure_time_seconds",
    ];
    let answer = http::get(address, "/metrics").expect("an answer");
    let is_pushed = |line: &&str| {
        let name = line.strip_prefix("# HELP ").or(line.strip_prefix("# TYPE ")).unwrap_or(line);
        !OWN.iter().any(|own| name.starts_with(own))
    };
    let text = String::from_utf8(answer.body).expect("UTF-8");
    let lines = text.split('\n').filter(|line| !line.is_empty()).filter(is_pushed);
    (answer.status == 200).then(|| lines.map(str::to_owned).collect())
}

/// The labels of each group, and whether its last push succeeded; sorted.
pub(crate) fn groups(address: SocketAddr) -> Value {
    let answer = http::get(address, "/api/v1/metrics").expect("an answer").json();
    let mut groups: Vec<Value> = answer["data"]
        .as_array()
        .expect("a list of groups")
        .iter()
        .map(|group| {
            // In the real gateway, a pushed family with the name `labels` replaces the labels of its group.
            let is_family = group["labels"].get("time_stamp").is_some();
            let overwritten = serde_json::json!({ "?": "overwritten" });
            let labels = if is_family { &overwritten } else { &group["labels"] };
            serde_json::json!({ "labels": labels, "ok": group["last_push_successful"] })
        })
        .collect();
    groups.sort_by_key(Value::to_string);
    Value::Array(groups)
}

/// Deletes every group, and waits until they are gone: the real gateway deletes them only after its response.
pub(crate) fn wipe(address: SocketAddr) {
    let wiped = || {
        http::request(address, "PUT", "/api/v1/admin/wipe", &[], &[]).expect("an answer");
        groups(address) == Value::Array(Vec::new())
    };
    wait_until(Duration::from_secs(10), "the gateway is empty", wiped);
}
