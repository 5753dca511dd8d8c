//! `prompush run`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::args::access::AccessArgs;
use crate::args::duration::parse_duration;
use crate::args::spool::SpoolDirArg;

/// Run a command and push how it went
///
/// Runs the command with this terminal, these files and this environment, passes signals on, and
/// ends as the command ends: with its exit code, or by the signal that ended it. What is pushed:
/// start, end, last success, duration, exit code, CPU time and memory of the command, as `job_…`
/// metrics. A failed run keeps the last success (the group is added to, not replaced).
///
/// The command can add metrics of its own: it writes them to the file that `$PROMPUSH_TEXTFILE`
/// names. They are checked as by `prompush check` when it has ended.
///
/// gptme is known by its command, also as `python -m gptme`, `uvx gptme` or `pipx run gptme`: its
/// metrics are received and pushed, to a group of its own, `job="gptme"` and
/// `instance="<host>:<process ID>"`, while it runs and when it has ended.
///
/// The group is `job`, the file name of the command unless given, and `instance`, this machine's
/// name unless given. `{pid}` and `{host}` in `--job` and `--group` stand for the command's process
/// ID and this machine's name. `--group instance=` leaves the instance out.
///
/// A gateway that is down changes neither the command nor its exit code; it costs `--deadline`, at
/// most, when the command has ended. A command that is not found is 127, one that cannot be run
/// 126, a wrong option 2; in the last case nothing is run.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  prompush run -- ./backup.sh --full
  prompush run --job nightly_backup --every 24h -- ./backup.sh
  prompush run -- gptme 'print(\"hello\")'
  prompush run --job import --group instance=db1 -- sh -c 'import && echo \"rows 7\" > $PROMPUSH_TEXTFILE'
")]
pub(crate) struct RunArgs {
    /// Job of the group; else the file name of the command
    #[arg(short, long)]
    pub(crate) job: Option<String>,

    /// Label of the group, such as `instance=db1`; may be repeated
    #[arg(short, long, value_name = "NAME=VALUE")]
    pub(crate) group: Vec<String>,

    /// How often the command is meant to run
    ///
    /// Pushed as `job_expected_interval_seconds`, so that one alert rule serves all jobs:
    /// `time() - job_last_success_timestamp_seconds > 2 * job_expected_interval_seconds`.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) every: Option<Duration>,

    /// Receive what the command exports by OTLP over HTTP, and push it, too
    ///
    /// Done for gptme without being asked. The command gets the variables that say where to export
    /// to: `OTLP_ENDPOINT` and `GPTME_TELEMETRY_ENABLED`, and those of OpenTelemetry. Only metrics
    /// are pushed; traces go to the `OTLP_ENDPOINT` that was set, or nowhere.
    #[arg(long, conflicts_with = "no_otlp")]
    pub(crate) otlp: bool,

    /// Leave gptme's telemetry as it is
    #[arg(long)]
    pub(crate) no_otlp: bool,

    /// How long the group is good for after its last push; `0` for ever
    ///
    /// Pushed as `push_ttl_seconds`, after which `prompush gateway` drops the group. Without it the
    /// group stays, and so does the time of the last success, which alerts need. For gptme, whose
    /// every run has a group of its own, it is 1h unless given.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) ttl: Option<Duration>,

    /// File with the command's own metrics, in place of a temporary one
    ///
    /// It is pushed if the command has written it, and left where it is. The same as setting
    /// `PROMPUSH_TEXTFILE`.
    #[arg(long, value_name = "FILE")]
    pub(crate) textfile: Option<PathBuf>,

    /// Longest time for the last push, after the command has ended
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    pub(crate) deadline: Duration,

    /// Write nothing to stderr, not even that the last push failed
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) spool: SpoolDirArg,

    /// URL of the gateway; else $PUSHGATEWAY_URL, else http://localhost:9091
    #[arg(short = 'u', long = "gateway", value_name = "URL")]
    pub(crate) url: Option<String>,

    #[command(flatten)]
    pub(crate) access: AccessArgs,

    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,
}
