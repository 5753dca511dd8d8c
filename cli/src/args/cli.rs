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
    GenerateDocs(GenerateDocsArgs),
    #[command(hide = true)]
    DemoWorker(DemoWorkerArgs),
}

/// The command line without what is not for people: completions would offer it.
pub(crate) fn public_command() -> clap::Command {
    let full = Cli::command();
    let visible: Vec<clap::Command> =
        full.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    let bare = clap::Command::new("prompush").version(env!("CARGO_PKG_VERSION"));
    let about = full.get_about().cloned().unwrap_or_default();
    let long_about = full.get_long_about().cloned().unwrap_or_default();
    bare.about(about).long_about(long_about).subcommand_required(true).subcommands(visible)
}
