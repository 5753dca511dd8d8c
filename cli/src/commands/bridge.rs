//! `prompush bridge`: receives the metrics of every gptme on this machine and pushes them, until a signal ends it.

use crate::args::{BridgeArgs, LogLevel};
use crate::bridge::options::BridgeOptions;
use crate::bridge::service::Bridge;
use crate::bridge::signals::EndingSignals;
use crate::error::CliError;
use crate::output::logger;
use crate::output::terminal::print_message;

pub(crate) fn run(args: BridgeArgs) -> Result<(), CliError> {
    logger::init(LogLevel::Info);
    let deadline = args.deadline;
    let options = BridgeOptions::resolve(args)?;
    let signals = EndingSignals::start()?;
    let mut bridge = Bridge::start(&options)?;
    options.warn_about_ports(bridge.port());
    print_message(&bridge.introduction(&options));
    bridge.start_scraping(&options)?;
    bridge.serve(signals.received(), deadline)?;
    drop(signals);
    print_message("stopped");
    Ok(())
}
