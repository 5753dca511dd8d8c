//! What can be written on the command line: types only. Resolving them is a second step.
#![expect(clippy::doc_markdown, reason = "these are help texts, shown as they stand")]
#![expect(clippy::struct_excessive_bools, reason = "a flag of a command line is a bool")]

use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::duration::parse_duration;

mod access;
mod bridge;
mod gc;
mod run;
mod spool;

pub(crate) use access::AccessArgs;
pub(crate) use bridge::BridgeArgs;
pub(crate) use gc::GcArgs;
pub(crate) use run::RunArgs;
pub(crate) use spool::{
    SpoolArgs, SpoolCommand, SpoolDirArg, SpoolDropArgs, SpoolFlushArgs, SpoolListArgs,
};

/// Gets metrics to a Prometheus Pushgateway, and cleans up after them.
///
/// Metrics of programs that end before Prometheus can scrape them are pushed to a gateway, which
/// Prometheus scrapes instead. The gateway is given by `--gateway`, or by the environment variable
/// `PUSHGATEWAY_URL`, and is `http://localhost:9091` otherwise.
///
/// Data is printed to stdout, words to stderr.
/// Exit codes: 0 done; 1 refused or invalid; 2 wrong usage; 69 the gateway cannot be reached, or is
/// still unavailable when retries are used up.
#[derive(Debug, Parser)]
#[command(name = "prompush", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Push(PushArgs),
    List(ListArgs),
    Delete(DeleteArgs),
    Check(CheckArgs),
    Gc(GcArgs),
    Run(RunArgs),
    Bridge(BridgeArgs),
    Spool(SpoolArgs),
    Gateway(GatewayArgs),
    Demo(DemoArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
    #[command(hide = true)]
    DemoWorker(DemoWorkerArgs),
}

#[derive(Debug, Args)]
pub(crate) struct GatewayUrlArg {
    /// URL of the gateway; else $PUSHGATEWAY_URL, else http://localhost:9091
    ///
    /// The gateway's base URL, such as `http://host:9091` or `https://user:password@host/prefix`;
    /// without a scheme it is `http`. Credentials in it are sent as basic authentication and shown
    /// in no message; in the environment they are out of sight of other users.
    #[arg(short = 'u', long = "gateway", value_name = "URL")]
    pub(crate) url: Option<String>,

    /// Longest time for the whole operation, with all retries
    ///
    /// Written as `30s`, `1m30s` or `1d`. An attempt gets a third of it, or 10 s if that is more;
    /// while the gateway is unreachable, late or busy, more attempts follow with growing waits.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    pub(crate) timeout: Duration,

    #[command(flatten)]
    pub(crate) access: AccessArgs,
}

/// The format of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// OpenMetrics if the last line is `# EOF`, text otherwise
    Auto,
    /// Prometheus text 0.0.4
    Text,
    /// OpenMetrics 1.0, as newer client libraries print it
    Openmetrics,
}

#[derive(Debug, Args)]
pub(crate) struct BodyArgs {
    /// Files to read; `-` or nothing means stdin
    ///
    /// Several files are taken as one body. A metric family may be in one of them only.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<String>,

    /// Format of the input
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = FormatArg::Auto)]
    pub(crate) format: FormatArg,

    /// Most bytes that are read, of all files together
    #[arg(long, value_name = "BYTES", default_value_t = INPUT_BYTES_MAX)]
    pub(crate) input_bytes_max: usize,
}

/// Most bytes of input that are read unless told otherwise: 256 MiB.
pub(crate) const INPUT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Push metrics to a group, replacing what it held
///
/// Reads metrics in the Prometheus text format or OpenMetrics, checks them, and replaces the whole
/// group on the gateway by them. What a gateway would refuse, or would suffer from, is never sent:
/// it is shown with its line and column.
///
/// Windows line ends, a byte order mark and a missing last line end are forgiven. OpenMetrics is
/// converted to text with its types kept; exemplars are dropped, as no gateway takes them.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  echo \"test_metric 42\" | prompush push --job test
  prompush push --job backup --group instance=db1 backup.prom
  prompush push --job backup --add more.prom
  some-exporter --once | prompush push --job nightly --dry-run
")]
pub(crate) struct PushArgs {
    /// Job of the group
    #[arg(short, long)]
    pub(crate) job: String,

    /// Label of the group, such as `instance=db1`; may be repeated
    #[arg(short, long, value_name = "NAME=VALUE")]
    pub(crate) group: Vec<String>,

    /// Replace only the families that are in the input (POST)
    ///
    /// Families of the group that are not in the input stay as they are. Without `--add` the whole
    /// group is replaced (PUT).
    #[arg(short, long)]
    pub(crate) add: bool,

    /// Send the body compressed with gzip
    #[arg(long)]
    pub(crate) gzip: bool,

    /// Print the body instead of pushing it
    ///
    /// Prints the exact body to stdout and the request line to stderr. No gateway is asked.
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Drop timestamps, which gateways refuse
    ///
    /// A gateway shows a metric as of the time of the scrape and refuses metrics with timestamps.
    /// With this flag they are pushed without.
    #[arg(long)]
    pub(crate) drop_timestamps: bool,

    /// Push even if there is no metric in the input
    ///
    /// Pushing nothing empties the group, which is seldom meant: without this flag it is refused.
    #[arg(long)]
    pub(crate) allow_empty: bool,

    /// Say nothing when all went well
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) body: BodyArgs,

    #[command(flatten)]
    pub(crate) spool: SpoolDirArg,

    #[command(flatten)]
    pub(crate) gateway: GatewayUrlArg,
}

/// List the groups that a gateway holds
///
/// Prints a table of the groups, sorted by their labels: job, other labels, families, series
/// (a histogram or summary counts as one), age of the last push, and whether the last push failed.
///
/// `--json` prints an array of objects:
///   labels                object of strings: the whole grouping key, `job` among them
///   families, series      numbers
///   last_push             seconds since 1970, or null when no push succeeded yet
///   last_push_age_seconds number, or null
///   last_failure          seconds since 1970, or null when no push failed
///   last_push_successful  boolean
/// Fields may be added, none will be taken away.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ListArgs {
    /// Only groups of this job; `*` and `?` are wildcards
    #[arg(short, long, value_name = "GLOB")]
    pub(crate) job: Option<String>,

    /// Only groups with this label; may be repeated
    ///
    /// `*` and `?` in the value are wildcards. A group without the label does not match, whatever
    /// the value.
    #[arg(short, long, value_name = "NAME=GLOB")]
    pub(crate) group: Vec<String>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) gateway: GatewayUrlArg,
}

/// Delete groups from a gateway
///
/// Without wildcards exactly one group is deleted: the one whose whole key is `--job` and the
/// `--group` labels. `--job x` leaves the group with `instance="i"` of that job alone.
///
/// With `*` or `?` in any value, every group is deleted that `prompush list` shows for the same
/// arguments, whatever other labels it has. Gateways know no wildcards: the groups are listed, and
/// each is deleted by its whole key. Each group deleted is printed to stdout.
///
/// If no group matches, that is said and the exit code is 1, unless `--if-exists` is given.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  prompush delete --job test
  prompush delete --job backup --group instance=db1
  prompush delete --job 'gptme-*' --dry-run
  prompush delete --job gptme --group 'instance=*'
")]
pub(crate) struct DeleteArgs {
    /// Job of the group; `*` and `?` are wildcards
    #[arg(short, long, value_name = "GLOB")]
    pub(crate) job: String,

    /// Label of the group; may be repeated; `*` and `?` in the value are wildcards
    #[arg(short, long, value_name = "NAME=GLOB")]
    pub(crate) group: Vec<String>,

    /// Take `*` and `?` as they stand
    #[arg(long)]
    pub(crate) literal: bool,

    /// Succeed when there is nothing to delete
    #[arg(long)]
    pub(crate) if_exists: bool,

    /// Print what would be deleted, and delete nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Print nothing when all went well
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) spool: SpoolDirArg,

    #[command(flatten)]
    pub(crate) gateway: GatewayUrlArg,
}

/// Check metrics without a gateway
///
/// Shows everything in the input that a gateway would refuse or suffer from, with line, column, the
/// text and a caret, and warns of what is legal but seldom meant. The exit code is 1 if there is any
/// error; warnings do not count.
///
/// With `--job` and `--group` the input is checked as a push to that group.
///
/// `--json` prints an object: `errors` and `warnings` (numbers), and `diagnostics`, an array of
/// objects with `severity` (`error` or `warning`), `file`, `line` and `column` (from 1, in
/// characters; null where unknown), `width`, `message`, `text` (the line) and `hint` (or null).
/// Fields may be added, none will be taken away.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Job of the group to check against
    #[arg(short, long)]
    pub(crate) job: Option<String>,

    /// Label of the group to check against; may be repeated
    #[arg(short, long, value_name = "NAME=VALUE", requires = "job")]
    pub(crate) group: Vec<String>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) body: BodyArgs,
}

/// Run a gateway, compatible with the Prometheus Pushgateway, in memory
///
/// Takes the flags of the Pushgateway for what it does, and one that the Pushgateway does not have:
/// `--metric.expiration`. It holds what was pushed in memory: after a restart it is empty.
///
/// It stops cleanly on SIGINT and SIGTERM.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  prompush gateway
  prompush gateway --push.disable-consistency-check --metric.expiration=300s
  prompush gateway --web.listen-address=127.0.0.1:9091
")]
pub(crate) struct GatewayArgs {
    /// Address to listen on; may be repeated
    ///
    /// `host:port`, or `:port` for all interfaces. Port 0 takes a free one.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = ":9091")]
    pub(crate) listen_address: Vec<String>,

    /// Allow PUT and POST to `/-/quit`, which ends the gateway
    #[arg(long = "web.enable-lifecycle")]
    pub(crate) enable_lifecycle: bool,

    /// Allow PUT to `/api/v1/admin/wipe`, which deletes everything
    #[arg(long = "web.enable-admin-api")]
    pub(crate) enable_admin_api: bool,

    /// Answer pushes with 202 instead of 200, as the Pushgateway does with this flag
    ///
    /// The check itself is made all the same: it costs little here, and without it one push can make
    /// every scrape fail.
    #[arg(long = "push.disable-consistency-check")]
    pub(crate) disable_consistency_check: bool,

    /// Delete groups that were not pushed for so long, such as `300s`, `1h30m` or `7d`
    ///
    /// Without it, or with `0s`, groups stay until they are deleted. A group that holds a gauge `push_ttl_seconds`
    /// has that lifetime instead. Expiry hides a dead job: alert on the time of its last success as well.
    #[arg(long = "metric.expiration", value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) metric_expiration: Option<Duration>,

    /// File to keep metrics in: has to be empty, as this gateway is in memory
    #[arg(
        long = "persistence.file",
        value_name = "FILE",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) persistence_file: String,

    /// Least important messages to log
    #[arg(long = "log.level", value_enum, value_name = "LEVEL", default_value_t = LogLevel::Info)]
    pub(crate) log_level: LogLevel,
}

/// How important a message has to be for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

/// Show a push from end to end: programs that push, one ended, one killed
///
/// Starts a gateway in this process, on a free port of this machine, or uses the one given. Starts
/// three programs that record and push: one ends normally, one is ended by SIGTERM, one is killed
/// by SIGKILL. Shows what each recorded and what the gateway holds, and ends with one sentence:
/// what was recorded, what arrived, what was lost.
///
/// The exit code is 0 only if everything arrived that the cleanly ended programs recorded. It takes
/// about ten seconds.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// URL of a gateway to use instead of one of the demo's own
    ///
    /// `PUSHGATEWAY_URL` is not looked at: the demo does not touch a gateway in use by accident.
    #[arg(short = 'u', long = "gateway", value_name = "URL")]
    pub(crate) url: Option<String>,
}

/// Print the completions of a shell
///
/// For example `prompush completions bash > ~/.local/share/bash-completion/completions/prompush`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// Print a manual page
///
/// For example `prompush man push | man -l -`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The command whose page it is; without it, the page of `prompush` itself
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
}

/// What a program started by the demo does; not for people.
#[derive(Debug, Args)]
pub(crate) struct DemoWorkerArgs {
    #[arg(long)]
    pub(crate) gateway: String,
    #[arg(long)]
    pub(crate) job: String,
    #[arg(long)]
    pub(crate) instance: String,
    /// Ends by itself after that time.
    #[arg(long, value_parser = parse_duration)]
    pub(crate) ends_after: Duration,
    #[arg(long, value_parser = parse_duration)]
    pub(crate) interval: Duration,
    #[arg(long, value_parser = parse_duration)]
    pub(crate) ttl: Option<Duration>,
    /// The gateway is the demo's own: no proxy stands before it.
    #[arg(long)]
    pub(crate) no_proxy: bool,
}
