//! `prompush bridge`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::args::duration::parse_duration;
use crate::args::gateway_url::GatewayUrlArg;
use crate::args::spool::SpoolDirArg;

/// Receive the metrics of every gptme on this machine and push them
///
/// Listens where gptme sends its telemetry (OTLP over HTTP), and pushes what each gptme sends to a group of its own:
/// as soon as it is there, every interval, and once more when it has ended. gptme needs
/// `GPTME_TELEMETRY_ENABLED=true` and nothing else.
///
/// The group is `job="gptme"` and `instance="<host>:<process ID>"`. An instance that has a name, by
/// `OTEL_RESOURCE_ATTRIBUTES=service.instance.id=…` or by a path in `OTLP_ENDPOINT`, has that for `instance`.
///
/// It answers at once, whatever the gateway does, so that gptme never waits for it. Traces, which gptme sends to the
/// same place, go to `--traces-to`, or nowhere; they are not kept.
///
/// SIGTERM, SIGINT and SIGHUP end it after a last push, a second one at once.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  prompush bridge
  prompush bridge --gateway http://192.168.1.65:9091 --spool ~/.local/state/prompush
  prompush bridge --traces-to http://localhost:14318
  prompush bridge --scrape http://localhost:8000
  prompush bridge --scrape http://localhost:5700/api/v0/metrics

Environment:
  PUSHGATEWAY_URL    the gateway, unless --gateway is given
  PROMPUSH_INTERVAL  seconds between two pushes, 15 to 300, unless --interval is given
")]
pub(crate) struct BridgeArgs {
    /// Address to listen on
    ///
    /// `host:port`; port 0 takes a free one. Without `OTLP_ENDPOINT`, gptme sends to port 4318 of localhost.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4318")]
    pub(crate) listen: String,

    /// Another gateway that gets the same; may be repeated
    ///
    /// A gateway that fails does not hold up the others.
    #[arg(long, value_name = "URL")]
    pub(crate) also_gateway: Vec<String>,

    /// Job of the groups
    ///
    /// `{pid}` and `{host}` in it stand for the process ID and the machine's name.
    #[arg(short, long, default_value = "gptme")]
    pub(crate) job: String,

    /// Also read metrics from there; may be repeated
    ///
    /// For gptme up to 0.28, which serves its metrics (`http://localhost:8000`), and for gptme-server
    /// (`http://localhost:5700/api/v0/metrics`). What a gateway would refuse in them is mended. Nothing has to be
    /// there yet, and what goes away has ended.
    #[arg(long, value_name = "URL")]
    pub(crate) scrape: Vec<String>,

    /// Time between two reads of a `--scrape`
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = parse_duration)]
    pub(crate) scrape_interval: Duration,

    /// File with rules for what becomes a metric and a label, added after the default ones
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,

    /// OTLP endpoint to forward traces to, byte for byte; else they are dropped
    #[arg(long, value_name = "URL")]
    pub(crate) traces_to: Option<String>,

    /// How long a group is good for after its last push; `0` for ever
    ///
    /// Pushed as `push_ttl_seconds`: after that, `prompush gateway` and `prompush gc` delete the group. It has to be
    /// several times the interval, and long enough for Prometheus to have scraped the last values.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = parse_duration)]
    pub(crate) ttl: Duration,

    #[command(flatten)]
    pub(crate) spool: SpoolDirArg,

    /// Time between two pushes of an instance; else $PROMPUSH_INTERVAL, else 30s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) interval: Option<Duration>,

    /// Longest time for ending: the last push and the last traces
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    pub(crate) deadline: Duration,

    #[command(flatten)]
    pub(crate) gateway: GatewayUrlArg,
}
