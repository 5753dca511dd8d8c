//! `prompush run`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::args::access::AccessArgs;
use crate::args::duration::parse_duration;
use crate::args::spool::SpoolDirArg;

/// Run a command, and push how the run went
///
/// Runs the command with the terminal, the files and the environment of this process, and forwards
/// signals to it. Ends as the command ends: with its exit code, or by the signal that ended it.
/// Pushes the start, the end, the last success, the duration, the exit code, the CPU time and the
/// memory of the command, as `job_…` metrics. A failed run does not change the time of the last
/// success.
///
/// The command can push metrics of its own: it writes them to the file that the variable
/// `PROMPUSH_TEXTFILE` names. When the command has ended, the file is checked as
/// `prompush check` does, and pushed.
///
/// `prompush run` recognizes gptme, also as `python -m gptme`, `uvx gptme` or `pipx run gptme`. It
/// receives the metrics of gptme, and pushes them while gptme runs and when it has ended, to the
/// group `job="gptme"` and `instance="<host>:<process ID>"`.
///
/// For any other command, the default job is the file name of the command, and the default instance
/// is the name of this machine. In `--job` and `--group`, `{pid}` stands for the process ID of the
/// command, and `{host}` for the name of this machine. `--group instance=` leaves out the instance.
///
/// A gateway that is down changes neither the command nor the exit code. It only delays the end, by
/// `--deadline` at most. If the command is not found, the exit code is 127; if it cannot be
/// executed, 126. If a flag is wrong, the exit code is 2, and the command is not run.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  prompush run -- ./backup.sh --full
  prompush run --job nightly_backup --every 24h -- ./backup.sh
  prompush run -- gptme 'print(\"hello\")'
  prompush run --job import --group instance=db1 -- sh -c 'import && echo \"rows 7\" > $PROMPUSH_TEXTFILE'
")]
pub(crate) struct RunArgs {
    /// Command to run, and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,

    /// Job of the group [default: the file name of the command]
    #[arg(short, long)]
    pub(crate) job: Option<String>,

    /// Label of the group, such as `instance=db1`; may be repeated
    #[arg(short, long, value_name = "NAME=VALUE")]
    pub(crate) group: Vec<String>,

    /// Planned time between two runs of the command
    ///
    /// Pushed as `job_expected_interval_seconds`. One alert rule then serves all jobs:
    /// `time() - job_last_success_timestamp_seconds > 2 * job_expected_interval_seconds`.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) every: Option<Duration>,

    /// Receive the metrics that the command exports with OTLP over HTTP, and push them, too
    ///
    /// For gptme, this flag is the default. It sets the variables that tell the command where to
    /// export to: `OTLP_ENDPOINT`, `GPTME_TELEMETRY_ENABLED`, and the variables of OpenTelemetry.
    /// Traces are forwarded to the `OTLP_ENDPOINT` that was set before, or dropped.
    #[arg(long, conflicts_with = "no_otlp")]
    pub(crate) otlp: bool,

    /// Do not receive metrics, not even those of gptme
    #[arg(long)]
    pub(crate) no_otlp: bool,

    /// How long the group is valid after its last push; `0` means for ever
    ///
    /// Pushed as `push_ttl_seconds`. After that time, `prompush gateway` and `prompush gc` delete
    /// the group. Without this flag the gateway keeps the group. Alerts need the time of the last
    /// success, which is in the group. For gptme the default is 1h, because each run of gptme has a group of its own.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) ttl: Option<Duration>,

    /// File that the command writes its own metrics to, instead of a temporary file
    ///
    /// If the command has changed the file, its metrics are pushed. The file is not removed. Setting
    /// `PROMPUSH_TEXTFILE` does the same.
    #[arg(long, value_name = "FILE")]
    pub(crate) textfile: Option<PathBuf>,

    /// Time limit for the last push, after the command has ended
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    pub(crate) deadline: Duration,

    /// Print nothing to stderr, not even that the last push failed
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) spool: SpoolDirArg,

    /// URL of the gateway [default: $PUSHGATEWAY_URL, then http://localhost:9091]
    #[arg(short = 'u', long = "gateway", value_name = "URL")]
    pub(crate) url: Option<String>,

    #[command(flatten)]
    pub(crate) access: AccessArgs,
}
