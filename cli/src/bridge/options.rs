//! The options of a bridge, from the arguments and the environment.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prompush::{ConfigError, Exposition, GroupingKey, HttpUrl, Outbox, push_ttl};
use prompush_gptme::{Environment, default_rules};
use prompush_otlp::Rules;
use prompush_otlp::receiver::ReceiverConfig;
use rustix::system::uname;

use crate::args::BridgeArgs;
use crate::bridge::publisher::PublisherConfig;
use crate::error::CliError;
use crate::output::terminal::print_warning;
use crate::resolve::{self, GatewayOptions};

/// The default port of OTLP over gRPC.
const GRPC_PORT: u16 = 4317;
/// The default port of OTLP over HTTP.
const HTTP_PORT: u16 = 4318;

/// The shortest time between two pushes or scrapes.
const INTERVAL_MIN: Duration = Duration::from_secs(1);

/// The job of the metrics of the bridge itself.
const OWN_JOB: &str = "prompush_bridge";

/// Everything that a bridge needs to start.
pub(crate) struct BridgeOptions {
    pub(crate) listen: String,
    /// The gateways to push to; at least one.
    pub(crate) gateways: Vec<HttpUrl>,
    pub(crate) job: String,
    /// The name of this machine.
    host: String,
    pub(crate) scrape: Vec<HttpUrl>,
    pub(crate) scrape_interval: Duration,
    interval: Duration,
    pub(crate) rules: Arc<Rules>,
    gateway: GatewayOptions,
    also_gateways: Vec<String>,
    traces_to: Option<HttpUrl>,
    ttl: Duration,
    spool: Option<PathBuf>,
    /// `OTLP_ENDPOINT`. If it is also set for gptme, gptme sends there.
    endpoint: Option<HttpUrl>,
}

impl BridgeOptions {
    /// Reads the arguments, the environment and the file with rules.
    ///
    /// # Errors
    /// [`CliError`] for the first argument, variable or file that cannot be used.
    pub(crate) fn resolve(args: BridgeArgs) -> Result<Self, CliError> {
        let environment = Environment::from_env().map_err(CliError::TelemetryEnvironment)?;
        let at_least = |argument, value: Duration| {
            if value >= INTERVAL_MIN {
                return Ok(value);
            }
            let value = format!("{value:?}");
            Err(CliError::Argument { argument, value, expected: "at least `1s`" })
        };
        let interval = args.interval.unwrap_or(environment.interval);
        let gateway_options = resolve::gateway_options(&args.gateway)?;
        let mut gateways = vec![
            HttpUrl::parse(&gateway_options.url).map_err(|error| gateway_options.explain(error))?,
        ];
        for url in &args.also_gateway {
            gateways.push(parse("--also-gateway", url)?);
        }
        // The job is part of every grouping key, so an error in it is reported now.
        GroupingKey::new(&args.job).map_err(CliError::GroupingKey)?;
        Ok(Self {
            listen: args.listen,
            gateways,
            gateway: gateway_options,
            also_gateways: args.also_gateway,
            job: args.job,
            host: uname().nodename().to_string_lossy().into_owned(),
            scrape: args
                .scrape
                .iter()
                .map(|url| parse("--scrape", url))
                .collect::<Result<_, _>>()?,
            scrape_interval: at_least("--scrape-interval", args.scrape_interval)?,
            interval: at_least("--interval", interval)?,
            rules: Arc::new(args.rules.as_deref().map_or(Ok(default_rules()), read_rules)?),
            traces_to: args.traces_to.map(|url| parse("--traces-to", &url)).transpose()?,
            ttl: args.ttl,
            spool: resolve::spool_dir(&args.spool)?,
            endpoint: environment.otlp_endpoint,
        })
    }

    /// Warns about ports that are most likely a mistake. `port` is the port that the bridge listens on.
    pub(crate) fn warn_about_ports(&self, port: u16) {
        if port == GRPC_PORT {
            print_warning(&format!(
                "port {GRPC_PORT} is the port of OTLP over gRPC, but gptme sends OTLP over HTTP, to port {HTTP_PORT} by \
                 default: gptme needs `OTLP_ENDPOINT=http://localhost:{GRPC_PORT}` to send here"
            ));
        }
        let endpoint_port = self.endpoint.as_ref().and_then(HttpUrl::port);
        if endpoint_port == Some(GRPC_PORT) && port != GRPC_PORT {
            print_warning(&format!(
                "`OTLP_ENDPOINT` names port {GRPC_PORT}, the port of OTLP over gRPC: a gptme with this variable does \
                 not send to this bridge, which listens on port {port}"
            ));
        }
    }

    /// Makes sure that traces are not forwarded to `address`, on which the bridge itself listens.
    ///
    /// # Errors
    /// [`CliError::Argument`] if they would be.
    pub(crate) fn check_traces_to(&self, address: SocketAddr) -> Result<(), CliError> {
        match &self.traces_to {
            Some(url) if leads_to(url, address, &self.host) => Err(CliError::Argument {
                argument: "--traces-to",
                value: url.to_redacted().to_string(),
                expected: "an endpoint other than this bridge, which would forward each trace to itself for ever",
            }),
            _ => Ok(()),
        }
    }

    /// The configuration of the receiver.
    pub(crate) fn receiver_config(&self) -> ReceiverConfig {
        ReceiverConfig::default().rules(Arc::clone(&self.rules)).traces_to(self.traces_to.clone())
    }

    /// The configuration of the publisher. `port` tells two bridges of one machine apart.
    ///
    /// # Errors
    /// [`CliError`] if the thread that pushes cannot be started.
    pub(crate) fn publisher_config(&self, port: u16) -> Result<PublisherConfig, CliError> {
        let own_key = GroupingKey::new(OWN_JOB)
            .and_then(|key| key.with("instance", &format!("{}:{port}", self.host)))
            .map_err(CliError::GroupingKey)?;
        Ok(PublisherConfig {
            outbox: self.outbox()?,
            job: self.job.clone(),
            interval: self.interval,
            ttl: if self.ttl.is_zero() { Exposition::default() } else { push_ttl(self.ttl) },
            own_key,
        })
    }

    fn outbox(&self) -> Result<Outbox, CliError> {
        let explain = |error| self.gateway.explain(error);
        let builder = Outbox::builder(&self.gateway.url).map_err(explain)?;
        let mut builder = builder.config(self.gateway.config.clone());
        for url in &self.also_gateways {
            builder = builder.gateway(url).map_err(CliError::Gateway)?;
        }
        if let Some(dir) = &self.spool {
            builder = builder.spool(dir);
        }
        builder.spawn().map_err(explain)
    }
}

/// Whether a request to `url` reaches a server that listens on `address` of the machine `host`.
fn leads_to(url: &HttpUrl, address: SocketAddr, host: &str) -> bool {
    let default_port = if url.base().starts_with("https://") { 443 } else { 80 };
    if url.port().unwrap_or(default_port) != address.port() {
        return false;
    }
    let listens = address.ip().to_canonical();
    let listens_on_loopback = listens.is_loopback() || listens.is_unspecified();
    let name = url.host().trim_end_matches('.');
    match name.parse().map(|ip: IpAddr| ip.to_canonical()) {
        Ok(ip) if ip.is_loopback() || ip.is_unspecified() => listens_on_loopback,
        Ok(ip) => ip == listens,
        Err(_) if name.eq_ignore_ascii_case("localhost") => listens_on_loopback,
        Err(_) => name.eq_ignore_ascii_case(host) && !listens.is_loopback(),
    }
}

fn parse(argument: &'static str, url: &str) -> Result<HttpUrl, CliError> {
    HttpUrl::parse(url).map_err(|error| match error {
        ConfigError::Url { value, expected } => CliError::Argument { argument, value, expected },
        error => CliError::Gateway(error),
    })
}

fn read_rules(path: &Path) -> Result<Rules, CliError> {
    let name = path.display().to_string();
    let read = fs::read_to_string(path);
    let text = read.map_err(|source| CliError::Input { name: name.clone(), source })?;
    default_rules().with_text(&text).map_err(|source| CliError::Rules { name, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bridges_own_address_is_known() {
        for (url, listens, expected) in [
            ("http://localhost:4318", "127.0.0.1:4318", true),
            ("http://LOCALHOST.:4318/x", "0.0.0.0:4318", true),
            ("http://127.0.0.1:4318", "[::]:4318", true),
            ("http://127.0.0.2:4318", "127.0.0.1:4318", true),
            ("http://[::ffff:127.0.0.1]:4318", "127.0.0.1:4318", true),
            ("http://0.0.0.0:4318", "127.0.0.1:4318", true),
            ("http://10.0.0.1:4318", "10.0.0.1:4318", true),
            ("http://host-1:4318", "0.0.0.0:4318", true),
            ("http://localhost", "127.0.0.1:80", true),
            ("http://localhost:14318", "127.0.0.1:4318", false),
            ("http://localhost", "127.0.0.1:4318", false),
            ("http://localhost:4318", "10.0.0.1:4318", false),
            ("http://10.0.0.2:4318", "10.0.0.1:4318", false),
            ("http://host-1:4318", "127.0.0.1:4318", false),
            ("http://collector:4318", "0.0.0.0:4318", false),
        ] {
            let parsed = HttpUrl::parse(url).expect("a URL");
            let address = listens.parse().expect("an address");
            assert_eq!(leads_to(&parsed, address, "host-1"), expected, "{url} {listens}");
        }
    }
}
