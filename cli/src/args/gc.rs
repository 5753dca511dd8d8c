//! `prompush gc`.

use std::time::Duration;

use clap::Args;

use crate::args::duration::parse_duration;
use crate::args::gateway_url::GatewayUrlArg;

/// Delete groups that have outlived their use
///
/// A group says how long it is good for after its last push: by a gauge `push_ttl_seconds` in it,
/// which prompush's pushers add when they are given a TTL. When that time has passed, the group is
/// deleted; with `--older-than`, so are groups that say nothing and were not pushed for so long.
/// Ages are by the gateway's own clock. A group whose pushes all failed counts from its last failure.
///
/// Each group is looked at again just before it is deleted; one that was pushed meanwhile stays. What
/// remains is the time of one request: a push that arrives between that look and the deletion is
/// deleted with its group, and missing until the next one. (Where the list of groups takes longer than
/// a tenth of a second, one look serves for as long as it took.) `prompush gateway` expires groups
/// by itself, without that gap.
///
/// `--timeout` is for each look, with its retries, and for each deletion, which is tried once: a round
/// that deletes many groups takes longer.
///
/// Expiry hides a job that has died: alert on the time of its last success as well.
///
/// Each group deleted is printed to stdout with the reason. `--json` prints an object a round:
/// `gateway`, `now` (seconds since 1970, by the gateway's clock), `dry_run`, `deleted` (objects with
/// `labels`, `reason` (`ttl` or `older_than`), `age_seconds` and `limit_seconds`), `failed` (objects
/// with `labels` and `error`), and numbers of groups that were kept: `not_due`, `for_ever`,
/// `unlimited`, `pushed_again`, `gone`. Fields may be added, none will be taken away.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  prompush gc --dry-run
  prompush gc --older-than 24h --job 'gptme*'
  prompush gc --every 5m --older-than 1h
")]
pub(crate) struct GcArgs {
    /// Delete groups without `push_ttl_seconds`, too, that were not pushed for so long
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) older_than: Option<Duration>,

    /// Only groups of this job; `*` and `?` are wildcards
    #[arg(short, long, value_name = "GLOB")]
    pub(crate) job: Option<String>,

    /// Only groups with this label; may be repeated; `*` and `?` in the value are wildcards
    #[arg(short, long, value_name = "NAME=GLOB")]
    pub(crate) group: Vec<String>,

    /// Do it again and again, with that time in between, until SIGINT or SIGTERM
    ///
    /// A round that fails is told of on stderr, and the next one tries again.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) every: Option<Duration>,

    /// Print what would be deleted, and delete nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Say nothing on stderr when all went well
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) gateway: GatewayUrlArg,
}
