//! Where a run is pushed to.

use std::path::PathBuf;
use std::time::Duration;

use log::LevelFilter;
use prompush::{Gateway, GatewayConfig};

use crate::args::{GatewayUrlArg, LogLevel, RunArgs};
use crate::error::CliError;
use crate::output::error_text::one_line;
use crate::output::logger;
use crate::output::terminal::print_warning;
use crate::resolve;

/// The shortest time for a push: a gateway cannot be set up with less.
const TIMEOUT_MIN: Duration = Duration::from_millis(1);

/// A gateway and a spool. The group is not known before the command has a process ID.
#[derive(Debug)]
pub(crate) struct Destination {
    /// The URL of the gateway. It may hold credentials: do not print it.
    pub(crate) url: String,
    /// The URL without the credentials.
    pub(crate) redacted_url: String,
    pub(crate) config: GatewayConfig,
    /// The directory for groups that the gateway does not take.
    pub(crate) spool: Option<PathBuf>,
}

impl Destination {
    /// Reads the destination from the arguments and the environment.
    ///
    /// If an environment variable cannot be used, prints a warning and returns `None`: a command must not fail because
    /// of a variable that somebody set for something else.
    ///
    /// # Errors
    /// [`CliError`] if an argument cannot be used.
    pub(crate) fn resolve(args: &RunArgs) -> Result<Option<Self>, CliError> {
        logger::init(if args.quiet { LogLevel::Error } else { LogLevel::Warn });
        let found = Self::from_arguments_and_environment(args);
        // From now on the terminal belongs to the command.
        log::set_max_level(LevelFilter::Off);
        match found {
            Err(error) if error.is_of_the_environment() => {
                if !args.quiet {
                    print_warning(&format!("nothing will be pushed: {}", one_line(&error)));
                }
                Ok(None)
            }
            found => found.map(Some),
        }
    }

    fn from_arguments_and_environment(args: &RunArgs) -> Result<Self, CliError> {
        let timeout = args.deadline.max(TIMEOUT_MIN);
        let gateway = GatewayUrlArg { url: args.url.clone(), timeout, access: args.access.clone() };
        let options = resolve::gateway_options(&gateway)?;
        let gateway = Gateway::with_config(&options.url, options.config.clone());
        let redacted_url = gateway.map_err(|error| options.explain(error))?.url().to_string();
        let spool = resolve::spool_dir(&args.spool)?;
        Ok(Self { url: options.url, redacted_url, config: options.config, spool })
    }
}
