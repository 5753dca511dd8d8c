//! The command line as a whole: its commands.

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::args::bridge::BridgeArgs;
use crate::args::check::CheckArgs;
use crate::args::completions::CompletionsArgs;
use crate::args::delete::DeleteArgs;
use crate::args::demo::{DemoArgs, DemoWorkerArgs};
use crate::args::gateway::GatewayArgs;
use crate::args::gc::GcArgs;
use crate::args::generate_docs::GenerateDocsArgs;
use crate::args::list::ListArgs;
use crate::args::man::ManArgs;
use crate::args::push::PushArgs;
use crate::args::run::RunArgs;
use crate::args::spool::SpoolArgs;

/// Push metrics to a Prometheus Pushgateway, and clean up the gateway
///
/// Some programs end before Prometheus can scrape them. Such a program pushes its metrics to a
/// gateway, and Prometheus scrapes the gateway. The flag `--gateway` names the gateway. Without
/// the flag, the environment variable `PUSHGATEWAY_URL` names the gateway. Without flag and variable,
/// the gateway is `http://localhost:9091`.
///
/// Commands print data to stdout and messages to stderr.
///
/// Exit codes: 0 success; 1 the gateway refused the request, or the input is invalid; 2 wrong
/// usage; 69 the gateway could not be reached, or was still unavailable after all retries.
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
    GenerateDocs(GenerateDocsArgs),
    #[command(hide = true)]
    DemoWorker(DemoWorkerArgs),
}

/// The command line without its hidden commands. Completions and manual pages are made from it.
pub(crate) fn public_command() -> clap::Command {
    let full = Cli::command();
    let visible: Vec<clap::Command> =
        full.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    let bare = clap::Command::new("prompush").version(env!("CARGO_PKG_VERSION"));
    let about = full.get_about().cloned().unwrap_or_default();
    let long_about = full.get_long_about().cloned().unwrap_or_default();
    bare.about(about).long_about(long_about).subcommand_required(true).subcommands(visible)
}
