//! `prompush gc`.

use std::time::Duration;

use clap::Args;

use crate::args::duration::parse_duration;
use crate::args::gateway_url::GatewayUrlArg;

/// Delete groups that have expired
///
/// A group can have a TTL: a gauge `push_ttl_seconds` in it says for how long the group is valid
/// after its last push. `prompush run`, `prompush bridge` and the library push this gauge if they
/// are given a TTL. The command deletes each group whose TTL is over. With `--older-than`, it also
/// deletes each group that has no TTL and was not pushed for that time. Ages are measured with the
/// clock of the gateway. If no push of a group ever succeeded, its age counts from the last failure.
///
/// Just before it deletes a group, the command reads the list of groups again, and keeps a group
/// that was pushed in the meantime. A short gap remains: a push that arrives after this read and
/// before the deletion is deleted, too. If reading the list takes 2 s, for example, the command uses
/// that list for 2 s before it reads a new one; a list that was read within 0.1 s is read again before
/// each deletion. `prompush gateway` expires groups by itself, without such a gap.
///
/// `--timeout` limits the time for each read of the list, with retries, and for each deletion, which
/// is tried once. A round that deletes many groups takes longer.
///
/// When the group of a dead job is deleted, nothing shows that the job is dead: also alert on the
/// time of its last success.
///
/// The command prints each deleted group to stdout, with the reason. `--json` prints one object for
/// each round: `gateway`, `now` (seconds since 1970, by the clock of the gateway), `dry_run`,
/// `deleted` (objects with `labels`, `reason` (`ttl` or `older_than`), `age_seconds` and
/// `limit_seconds`), `failed` (objects with `labels` and `error`), and the numbers of groups that
/// were not deleted: `not_due`, `for_ever` (the TTL never ends), `unlimited` (no TTL and no
/// `--older-than`, or never pushed), `pushed_again` (pushed in the meantime), `gone` (deleted by somebody else).
/// Later versions may add fields, and will remove none.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  prompush gc --dry-run
  prompush gc --older-than 24h --job 'gptme*'
  prompush gc --every 5m --older-than 1h
")]
pub(crate) struct GcArgs {
    /// Also delete groups without `push_ttl_seconds` whose last push is older than this
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) older_than: Option<Duration>,

    /// Check only groups of this job; `*` and `?` are wildcards
    #[arg(short, long, value_name = "GLOB")]
    pub(crate) job: Option<String>,

    /// Check only groups with this label; may be repeated; `*` and `?` in the value are wildcards
    #[arg(short, long, value_name = "NAME=GLOB")]
    pub(crate) group: Vec<String>,

    /// Repeat after this pause, until SIGINT or SIGTERM
    ///
    /// If a round fails, its error is printed to stderr, and the next round follows.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) every: Option<Duration>,

    /// Print the groups that would be deleted, and delete nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,

    /// Print nothing to stderr on success
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) gateway: GatewayUrlArg,
}
