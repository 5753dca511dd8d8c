//! The gateway that a command asks.

use std::time::Duration;

use prompush::{ConfigError, Gateway, GatewayConfig};

use crate::args::GatewayUrlArg;
use crate::environment;
use crate::error::CliError;
use crate::output::logger;
use crate::resolve::access;
use crate::resolve::variable::variable;

/// The gateway if neither flag nor variable name one.
const GATEWAY_DEFAULT: &str = "http://localhost:9091";

/// A gateway as arguments and environment name it: where it is, and how to ask it.
///
/// The one way from both to anything that pushes; what pushes in the background is built of its
/// parts.
pub(crate) struct GatewayOptions {
    /// May hold credentials: not to be shown.
    pub(crate) url: String,
    pub(crate) config: GatewayConfig,
    /// Whether the environment names it.
    from_environment: bool,
}

impl GatewayOptions {
    /// The gateway itself.
    ///
    /// # Errors
    /// If it cannot be set up so; which says where the URL was from.
    pub(crate) fn gateway(self) -> Result<Gateway, CliError> {
        Gateway::with_config(&self.url, self.config.clone()).map_err(|error| self.explain(error))
    }

    /// An error of the library about this gateway, which says where the URL was from.
    pub(crate) fn explain(&self, error: ConfigError) -> CliError {
        match error {
            ConfigError::Url { value, expected } if self.from_environment => {
                CliError::Environment { name: environment::GATEWAY, value, expected }
            }
            error => CliError::Gateway(error),
        }
    }
}

/// The gateway that is meant: the flag, else the variable, else the one on this machine; with its
/// limits, credentials and TLS.
///
/// # Errors
/// If the time is nothing, or a file of credentials or certificates cannot be used.
pub(crate) fn gateway_options(args: &GatewayUrlArg) -> Result<GatewayOptions, CliError> {
    if args.timeout.is_zero() {
        let (argument, value) = ("--timeout", "0".to_owned());
        return Err(CliError::Argument { argument, value, expected: "more than nothing" });
    }
    // Secrets that all can read, and certificates that nobody checks, are told of by the library.
    logger::init_default();
    let config = with_timeout(args.timeout)
        .credentials(access::credentials(&args.access)?)
        .tls(access::tls(&args.access)?);
    if let Some(url) = &args.url {
        return Ok(GatewayOptions { url: url.clone(), config, from_environment: false });
    }
    let variable = variable(environment::GATEWAY)?;
    let from_environment = variable.is_some();
    let url = variable.unwrap_or_else(|| GATEWAY_DEFAULT.to_owned());
    Ok(GatewayOptions { url, config, from_environment })
}

/// The gateway of [`gateway_options`], with `config` as the last word on its limits.
///
/// # Errors
/// As [`gateway_options`], and if its URL cannot be used.
pub(crate) fn gateway(
    args: &GatewayUrlArg,
    config: impl FnOnce(GatewayConfig) -> GatewayConfig,
) -> Result<Gateway, CliError> {
    let mut options = gateway_options(args)?;
    options.config = config(options.config);
    options.gateway()
}

/// A gateway that something is kept for, asked without credentials.
///
/// # Errors
/// If its URL cannot be used.
pub(crate) fn gateway_without_credentials(
    url: &str,
    timeout: Duration,
) -> Result<Gateway, CliError> {
    Gateway::with_config(url, with_timeout(timeout)).map_err(CliError::Gateway)
}

/// An attempt gets a third of the time for all, but never less than its default where there is time for it.
fn with_timeout(total: Duration) -> GatewayConfig {
    let config = GatewayConfig::default();
    let attempt = config.attempt_timeout.min(total).max(total / 3);
    config.total_timeout(total).attempt_timeout(attempt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_has_its_share_of_the_time() {
        let check = |total: u64, attempt: u64| {
            let config = with_timeout(Duration::from_secs(total));
            assert_eq!(config.attempt_timeout, Duration::from_secs(attempt));
            assert_eq!(config.total_timeout, Duration::from_secs(total));
        };
        check(30, 10);
        check(5, 5);
        check(15, 10);
        check(120, 40);
    }
}
