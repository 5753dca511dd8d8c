//! The gateway that a command sends requests to.

use std::time::Duration;

use prompush::{ConfigError, Gateway, GatewayConfig};

use crate::args::GatewayUrlArg;
use crate::environment;
use crate::error::CliError;
use crate::output::logger;
use crate::resolve::access;
use crate::resolve::variable::variable;

/// The gateway if neither the flag nor the variable is given.
const GATEWAY_DEFAULT: &str = "http://localhost:9091";

/// The URL and the configuration of a gateway, from the arguments and the environment.
///
/// Every command that pushes gets its gateway from here. A background pusher is built from the two
/// parts.
pub(crate) struct GatewayOptions {
    /// The URL. It may hold credentials: do not print it.
    pub(crate) url: String,
    pub(crate) config: GatewayConfig,
    /// Whether the URL comes from the environment.
    from_environment: bool,
}

impl GatewayOptions {
    /// The gateway.
    ///
    /// # Errors
    /// [`CliError`] if the URL or the configuration cannot be used. It names the source of the URL.
    pub(crate) fn gateway(self) -> Result<Gateway, CliError> {
        Gateway::with_config(&self.url, self.config.clone()).map_err(|error| self.explain(error))
    }

    /// Turns an error of the library into one that names the source of the URL.
    pub(crate) fn explain(&self, error: ConfigError) -> CliError {
        match error {
            ConfigError::Url { value, expected } if self.from_environment => {
                CliError::Environment { name: environment::GATEWAY, value, expected }
            }
            error => CliError::Gateway(error),
        }
    }
}

/// The options of the gateway. Its URL comes from the flag, else from the variable, else it is the
/// gateway of this machine.
///
/// # Errors
/// [`CliError`] if the time limit is zero, or if a file with credentials or certificates cannot be
/// used.
pub(crate) fn gateway_options(args: &GatewayUrlArg) -> Result<GatewayOptions, CliError> {
    if args.timeout.is_zero() {
        let (argument, value) = ("--timeout", "0".to_owned());
        return Err(CliError::Argument { argument, value, expected: "a time longer than 0" });
    }
    // The library logs a warning for a secret that every user can read, and for `--insecure`.
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

/// The gateway of [`gateway_options`], after `config` has changed its configuration.
///
/// # Errors
/// [`CliError`] as for [`gateway_options`], and if the URL cannot be used.
pub(crate) fn gateway(
    args: &GatewayUrlArg,
    config: impl FnOnce(GatewayConfig) -> GatewayConfig,
) -> Result<Gateway, CliError> {
    let mut options = gateway_options(args)?;
    options.config = config(options.config);
    options.gateway()
}

/// The gateway of a file in the spool, without credentials.
///
/// # Errors
/// [`CliError::Gateway`] if the URL cannot be used.
pub(crate) fn gateway_without_credentials(
    url: &str,
    timeout: Duration,
) -> Result<Gateway, CliError> {
    Gateway::with_config(url, with_timeout(timeout)).map_err(CliError::Gateway)
}

/// A configuration with a limit to the total time. One attempt may take a third of it, but at least the default time of
/// an attempt if the total allows that.
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
