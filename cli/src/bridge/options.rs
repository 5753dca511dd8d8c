//! From arguments and the environment to what the bridge works with.

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
use crate::error::CliError;
use crate::output::terminal::print_warning;
use crate::resolve::{self, GatewayOptions};

/// The port of OTLP over gRPC, and that of OTLP over HTTP.
const GRPC_PORT: u16 = 4317;
const HTTP_PORT: u16 = 4318;

/// The shortest time between two pushes or scrapes.
const INTERVAL_MIN: Duration = Duration::from_secs(1);

/// Everything the bridge was told.
pub(crate) struct Options {
    pub(crate) listen: String,
    /// Never empty.
    pub(crate) gateways: Vec<HttpUrl>,
    pub(crate) job: String,
    pub(crate) host: String,
    pub(crate) scrape: Vec<HttpUrl>,
    pub(crate) scrape_interval: Duration,
    pub(crate) interval: Duration,
    pub(crate) rules: Arc<Rules>,
    gateway: GatewayOptions,
    also_gateways: Vec<String>,
    traces_to: Option<HttpUrl>,
    ttl: Duration,
    spool: Option<PathBuf>,
    /// `OTLP_ENDPOINT`: where gptme sends to if that is set for it as well.
    endpoint: Option<HttpUrl>,
}

impl Options {
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
        // It is the job of every group: what is wrong with it is said now.
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

    /// Warns of what is most likely a mistake; `port` is the one that is listened on.
    pub(crate) fn warn_of_ports(&self, port: u16) {
        if port == GRPC_PORT {
            print_warning(&format!(
                "port {GRPC_PORT} is that of OTLP over gRPC; gptme speaks OTLP over HTTP, and finds this only with \
                 `OTLP_ENDPOINT=http://localhost:{GRPC_PORT}`; its default is port {HTTP_PORT}"
            ));
        }
        let endpoint_port = self.endpoint.as_ref().and_then(HttpUrl::port);
        if endpoint_port == Some(GRPC_PORT) && port != GRPC_PORT {
            print_warning(&format!(
                "`OTLP_ENDPOINT` names port {GRPC_PORT}, that of OTLP over gRPC: a gptme with it does not find this, \
                 which listens on port {port}"
            ));
        }
    }

    /// # Errors
    /// If traces were to go to `address`, the one that is listened on: each would come back for ever.
    pub(crate) fn check_traces_to(&self, address: SocketAddr) -> Result<(), CliError> {
        match &self.traces_to {
            Some(url) if leads_to(url, address, &self.host) => Err(CliError::Argument {
                argument: "--traces-to",
                value: url.to_redacted().to_string(),
                expected: "another endpoint than the bridge's own, from which each trace would come back for ever",
            }),
            _ => Ok(()),
        }
    }

    /// What the receiver is told.
    pub(crate) fn receiver_config(&self) -> ReceiverConfig {
        ReceiverConfig::default().rules(Arc::clone(&self.rules)).traces_to(self.traces_to.clone())
    }

    /// The way to the gateways.
    ///
    /// # Errors
    /// If it cannot be set up.
    pub(crate) fn outbox(&self) -> Result<Outbox, CliError> {
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

    /// The gauge `push_ttl_seconds`, unless groups are to stay for ever.
    pub(crate) fn ttl_source(&self) -> Exposition<'static> {
        if self.ttl.is_zero() { Exposition::default() } else { push_ttl(self.ttl) }
    }
}

/// Whether who listens on `address` of the machine `host` is asked by that URL.
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
