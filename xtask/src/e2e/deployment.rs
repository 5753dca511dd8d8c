//! The servers of the scenario in containers: a network with a gateway and a Prometheus that scrapes the gateway.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use prompush_testing::{free_address, http};
use serde_json::Value;

use super::engine::Engine;
use crate::process::{self, Finished, Interrupt};

/// The longest time until a server is ready.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// The longest time until Prometheus has scraped the content of the gateway. Prometheus takes five seconds before its
/// first scrape, and then scrapes once a second.
pub(super) const SCRAPED_WITHIN: Duration = Duration::from_secs(30);

/// The time limit of one call of `prompush`.
const PROMPUSH_WITHIN: Duration = Duration::from_mins(1);

/// The time limit of the command that prints a log.
const LOG_WITHIN: Duration = Duration::from_secs(20);

/// The number of ports to try. Another process may take a port that was free a moment ago.
const PORTS_TRIED_MAX: usize = 5;

const PROMETHEUS_CONFIG: &str = "\
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
- job_name: pushgateway
  honor_labels: true
  static_configs:
  - targets: ['gateway:9091']
";

/// The gateway of a deployment: its image, and the arguments that make the gateway listen on port 9091 of every
/// address.
pub(super) struct GatewayImage {
    pub(super) reference: String,
    pub(super) arguments: &'static [&'static str],
}

/// The running servers. Dropping the deployment removes the servers and their network.
pub(super) struct Deployment<'a> {
    engine: &'a Engine,
    prompush: &'a Path,
    gateway_container: String,
    prometheus_container: String,
    pub(super) gateway: SocketAddr,
    pub(super) prometheus: SocketAddr,
}

impl<'a> Deployment<'a> {
    /// Starts the gateway and Prometheus, and waits until both are ready.
    pub(super) fn start(
        engine: &'a Engine,
        prompush: &'a Path,
        gateway: &GatewayImage,
        prometheus_image: &str,
    ) -> Result<Self> {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        // The deployment exists before its containers, so that dropping it cleans up after a failure below.
        let mut deployment = Self {
            engine,
            prompush,
            gateway_container: engine.name("gateway"),
            prometheus_container: engine.name("prometheus"),
            gateway: nowhere,
            prometheus: nowhere,
        };
        engine.docker(&[
            "network",
            "create",
            "--label",
            &engine.label(),
            &engine.name("network"),
        ])?;
        deployment.gateway =
            deployment.run("gateway", 9091, &gateway.reference, gateway.arguments, None)?;
        deployment.wait_ready(deployment.gateway, &deployment.gateway_container)?;
        let config = engine.scratch().join("prometheus.yml");
        fs::write(&config, PROMETHEUS_CONFIG)?;
        let arguments = [
            "--config.file=/prompush-e2e.yml",
            "--storage.tsdb.path=/prometheus",
            "--web.listen-address=0.0.0.0:9090",
        ];
        let copy =
            (config.to_str().context("the temporary folder is no UTF-8")?, "/prompush-e2e.yml");
        deployment.prometheus =
            deployment.run("prometheus", 9090, prometheus_image, &arguments, Some(copy))?;
        deployment.wait_ready(deployment.prometheus, &deployment.prometheus_container)?;
        Ok(deployment)
    }

    /// The engine, which also knows whether a signal has come.
    pub(super) fn engine(&self) -> &Engine {
        self.engine
    }

    /// The URL of the gateway.
    pub(super) fn gateway_url(&self) -> String {
        format!("http://{}", self.gateway)
    }

    /// Stops the gateway as an operator would, and returns its exit code.
    pub(super) fn stop_gateway(&self) -> Result<i32> {
        self.engine.docker(&["stop", "--time", "10", &self.gateway_container])?;
        let code = self.engine.docker(&[
            "inspect",
            "--format",
            "{{.State.ExitCode}}",
            &self.gateway_container,
        ])?;
        code.parse().with_context(|| format!("`{code}` is no exit code"))
    }

    /// Starts the stopped gateway again and waits until it is ready. The gateway has the same address, and no groups.
    pub(super) fn start_gateway(&self) -> Result<()> {
        self.engine.docker(&["start", &self.gateway_container])?;
        self.wait_ready(self.gateway, &self.gateway_container)
    }

    /// Runs `prompush` against the gateway until it ends.
    pub(super) fn prompush(&self, arguments: &[&str], stdin: &str) -> Result<Finished> {
        let mut command = Command::new(self.prompush);
        command.args(arguments).args(["--gateway", &self.gateway_url()]);
        process::finish(&mut command, stdin.as_bytes(), PROMPUSH_WITHIN, self.engine.interrupt())
    }

    /// Runs `prompush` as [`prompush`](Self::prompush) does, checks its exit code, and returns its stdout.
    pub(super) fn prompush_ends(
        &self,
        arguments: &[&str],
        stdin: &str,
        code: i32,
    ) -> Result<String> {
        let finished = self.prompush(arguments, stdin)?;
        let ended = finished.status.code();
        ensure!(
            ended == Some(code),
            "`prompush {}` ended with {ended:?} instead of {code}: {}",
            arguments.join(" "),
            finished.stderr.trim()
        );
        Ok(finished.stdout)
    }

    /// The answer of an instant query: an array of `{metric, value: [time, "text"]}`.
    pub(super) fn query(&self, promql: &str) -> Result<Vec<Value>> {
        let answer =
            self.prometheus_api(&format!("/api/v1/query?query={}", http::percent_encode(promql)))?;
        answer["result"].as_array().cloned().context("the answer of Prometheus has no result")
    }

    /// The type of a metric family in Prometheus; `None` while Prometheus does not know the family.
    pub(super) fn metric_type(&self, family: &str) -> Result<Option<String>> {
        let answer = self.prometheus_api(&format!("/api/v1/metadata?metric={family}"))?;
        Ok(answer[family][0]["type"].as_str().map(str::to_owned))
    }

    /// The text that the gateway exposes.
    pub(super) fn exposition(&self) -> Result<String> {
        Ok(get(self.gateway, "/metrics")?.text())
    }

    /// The labels of the gateway's groups, as its API lists them.
    pub(super) fn groups(&self) -> Result<Vec<Value>> {
        let answer: Value = serde_json::from_slice(&get(self.gateway, "/api/v1/metrics")?.body)?;
        let groups = answer["data"].as_array().context("the answer of the gateway has no data")?;
        Ok(groups.iter().map(|group| group["labels"].clone()).collect())
    }

    /// The last lines of the servers' logs. They help to find out why a step failed.
    pub(super) fn logs(&self) -> String {
        format!("{}{}", log(&self.gateway_container), log(&self.prometheus_container))
    }

    /// Starts a container and publishes its port on a free loopback port. The loopback port stays the same after a
    /// restart of the container.
    fn run(
        &self,
        alias: &str,
        port: u16,
        image: &str,
        arguments: &[&str],
        copy: Option<(&str, &str)>,
    ) -> Result<SocketAddr> {
        let (name, label, network) =
            (self.engine.name(alias), self.engine.label(), self.engine.name("network"));
        let mut tries = 0;
        loop {
            // This task chooses the port. When the engine chooses, the port changes with a restart.
            let address = free_address();
            let publish = format!("{address}:{port}");
            let mut create =
                vec!["create", "--name", &name, "--label", &label, "--publish", &publish];
            create.extend(["--network", &network, "--network-alias", alias, image]);
            create.extend(arguments);
            self.engine.docker(&create)?;
            if let Some((from, to)) = copy {
                self.engine.docker(&["cp", from, &format!("{name}:{to}")])?;
            }
            let Err(error) = self.engine.docker(&["start", &name]) else { return Ok(address) };
            tries += 1;
            let is_taken = ["already allocated", "address already in use"];
            if tries >= PORTS_TRIED_MAX
                || !is_taken.iter().any(|text| error.to_string().contains(text))
            {
                return Err(error);
            }
            self.engine.docker(&["rm", "--force", &name])?;
        }
    }

    fn wait_ready(&self, address: SocketAddr, container: &str) -> Result<()> {
        let result = self.engine.interrupt().wait_for(
            READY_WITHIN,
            &format!("{container} to be ready"),
            || {
                if http::get(address, "/-/ready").is_ok_and(|answer| answer.status == 200) {
                    return Ok(Some(()));
                }
                let running = self.engine.docker(&[
                    "inspect",
                    "--format",
                    "{{.State.Running}}",
                    container,
                ])?;
                ensure!(running == "true", "{container} has ended");
                Ok(None)
            },
        );
        result.map_err(|error| error.context(log(container)))
    }

    fn prometheus_api(&self, target: &str) -> Result<Value> {
        let answer: Value = serde_json::from_slice(&get(self.prometheus, target)?.body)?;
        Ok(answer["data"].clone())
    }
}

impl Drop for Deployment<'_> {
    fn drop(&mut self) {
        self.engine.remove_containers();
    }
}

fn get(address: SocketAddr, target: &str) -> Result<http::Response> {
    let answer = http::get(address, target)
        .with_context(|| format!("cannot ask `{address}` for `{target}`"))?;
    if answer.status != 200 {
        bail!("`{address}` answered {} to `{target}`: {}", answer.status, answer.text());
    }
    Ok(answer)
}

fn log(container: &str) -> String {
    let mut command = Command::new("docker");
    command.args(["logs", "--tail", "20", container]);
    match process::finish(&mut command, &[], LOG_WITHIN, &Interrupt::default()) {
        Ok(finished) => format!("log of {container}:\n{}{}", finished.stdout, finished.stderr),
        Err(error) => format!("no log of {container}: {error:#}\n"),
    }
}
