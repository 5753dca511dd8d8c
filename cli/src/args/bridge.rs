//! `prompush bridge`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::args::duration::parse_duration;
use crate::args::gateway_url::GatewayUrlArg;
use crate::args::spool::SpoolDirArg;

/// Receive the metrics of every gptme on this machine, and push them
///
/// Run one bridge on a machine. It listens where every gptme sends its telemetry by default (OTLP
/// over HTTP). The bridge pushes the metrics of each gptme to a group of its own: when the first
/// metrics arrive, then at every interval, and when gptme has ended. gptme itself only needs the
/// variable `GPTME_TELEMETRY_ENABLED=true`.
///
/// The group is `job="gptme"` and `instance="<host>:<process ID>"`. A gptme can choose its instance:
/// with `OTEL_RESOURCE_ATTRIBUTES=service.instance.id=…`, or with a path in `OTLP_ENDPOINT`.
///
/// The bridge answers every export at once, so gptme never waits for a gateway. gptme sends traces
/// to the same address: the bridge forwards them to `--traces-to`, or drops them.
///
/// SIGTERM, SIGINT and SIGHUP end the bridge after a last push. A second signal ends it at once.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  prompush bridge
  prompush bridge --gateway http://192.168.1.65:9091 --spool ~/.local/state/prompush
  prompush bridge --traces-to http://localhost:14318
  prompush bridge --scrape http://localhost:8000
  prompush bridge --scrape http://localhost:5700/api/v0/metrics

Environment:
  PUSHGATEWAY_URL    URL of the gateway, unless --gateway is given
  PROMPUSH_INTERVAL  seconds between two pushes, from 15 to 300, unless --interval is given
")]
pub(crate) struct BridgeArgs {
    /// Address to listen on
    ///
    /// Written as `host:port`. Port 0 stands for any free port. Without `OTLP_ENDPOINT`, gptme sends
    /// to port 4318 of localhost.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4318")]
    pub(crate) listen: String,

    /// Another gateway to push the same metrics to; may be repeated
    ///
    /// A gateway that fails does not delay the pushes to the others.
    #[arg(long, value_name = "URL")]
    pub(crate) also_gateway: Vec<String>,

    /// Job of the groups
    ///
    /// `{pid}` stands for the process ID of gptme, and `{host}` for the name of the machine.
    #[arg(short, long, default_value = "gptme")]
    pub(crate) job: String,

    /// URL of a program that serves metrics, which the bridge scrapes; may be repeated
    ///
    /// gptme up to 0.28 serves its metrics (`http://localhost:8000`), and gptme-server does
    /// (`http://localhost:5700/api/v0/metrics`). The bridge corrects metrics that a gateway would
    /// refuse. The server may start later than the bridge. When it stops, its instance has ended.
    #[arg(long, value_name = "URL")]
    pub(crate) scrape: Vec<String>,

    /// Time between two scrapes of a `--scrape` URL
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = parse_duration)]
    pub(crate) scrape_interval: Duration,

    /// File with rules for metrics and labels, added to the default rules
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,

    /// OTLP endpoint to forward traces to, unchanged; without it traces are dropped
    #[arg(long, value_name = "URL")]
    pub(crate) traces_to: Option<String>,

    /// How long a group is valid after its last push; `0` means for ever
    ///
    /// Pushed as `push_ttl_seconds`. After that time, `prompush gateway` and `prompush gc` delete the
    /// group. Choose several times the interval, and time enough for Prometheus to scrape the last
    /// values.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = parse_duration)]
    pub(crate) ttl: Duration,

    #[command(flatten)]
    pub(crate) spool: SpoolDirArg,

    /// Time between two pushes of an instance [default: $PROMPUSH_INTERVAL, then 30s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) interval: Option<Duration>,

    /// Time limit for the last push and the last traces when the bridge ends
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    pub(crate) deadline: Duration,

    #[command(flatten)]
    pub(crate) gateway: GatewayUrlArg,
}
