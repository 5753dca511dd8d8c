//! From arguments and the environment to what a command works with.

mod access;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use prompush::{ConfigError, Gateway, GatewayConfig, Group};
use prompush_core::{Glob, GroupingKey};

use crate::args::{GatewayUrlArg, SpoolDirArg};
use crate::error::CliError;
use crate::logger;

/// The environment variable with the gateway's URL.
pub(crate) const GATEWAY_VARIABLE: &str = "PUSHGATEWAY_URL";
/// The environment variable with the spool's directory.
const SPOOL_VARIABLE: &str = "PROMPUSH_SPOOL";
/// The gateway if neither flag nor variable name one.
const GATEWAY_DEFAULT: &str = "http://localhost:9091";

/// A gateway as arguments and environment name it: where it is, and how to ask it.
///
/// The one way from both to anything that pushes; what pushes in the background is built of its
/// parts.
pub(crate) struct Target {
    /// May hold credentials: not to be shown.
    pub(crate) url: String,
    pub(crate) config: GatewayConfig,
    /// Whether the environment names it.
    from_environment: bool,
}

impl Target {
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
                CliError::Environment { name: GATEWAY_VARIABLE, value, expected }
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
pub(crate) fn target(args: &GatewayUrlArg) -> Result<Target, CliError> {
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
        return Ok(Target { url: url.clone(), config, from_environment: false });
    }
    let variable = variable(GATEWAY_VARIABLE)?;
    let from_environment = variable.is_some();
    let url = variable.unwrap_or_else(|| GATEWAY_DEFAULT.to_owned());
    Ok(Target { url, config, from_environment })
}

/// The gateway of [`target`], with `config` as the last word on its limits.
///
/// # Errors
/// As [`target`], and if its URL cannot be used.
pub(crate) fn gateway(
    args: &GatewayUrlArg,
    config: impl FnOnce(GatewayConfig) -> GatewayConfig,
) -> Result<Gateway, CliError> {
    let mut target = target(args)?;
    target.config = config(target.config);
    target.gateway()
}

/// A gateway that something is kept for, asked without credentials.
///
/// # Errors
/// If its URL cannot be used.
pub(crate) fn plain_gateway(url: &str, timeout: Duration) -> Result<Gateway, CliError> {
    Gateway::with_config(url, with_timeout(timeout)).map_err(CliError::Gateway)
}

/// The directory of the spool: the flag, else the variable, else none.
///
/// # Errors
/// If the variable is not UTF-8.
pub(crate) fn spool_dir(args: &SpoolDirArg) -> Result<Option<PathBuf>, CliError> {
    if args.dir.is_some() {
        return Ok(args.dir.clone());
    }
    Ok(variable(SPOOL_VARIABLE)?.map(PathBuf::from))
}

/// The value of an environment variable. Unset and empty mean the same, as to most programs.
///
/// # Errors
/// If it is not UTF-8. It may be a secret, so it is not shown.
fn variable(name: &'static str) -> Result<Option<String>, CliError> {
    let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    value.into_string().map(Some).map_err(|_| CliError::Environment {
        name,
        value: "***".to_owned(),
        expected: "text in UTF-8",
    })
}

/// An attempt gets a third of the time for all, but never less than its default where there is time for it.
fn with_timeout(total: Duration) -> GatewayConfig {
    let config = GatewayConfig::default();
    let attempt = config.attempt_timeout.min(total).max(total / 3);
    config.total_timeout(total).attempt_timeout(attempt)
}

/// The grouping key of `--job` and `--group`.
///
/// # Errors
/// If a gateway would not take it, or suffer from it.
pub(crate) fn grouping_key(job: &str, group: &[String]) -> Result<GroupingKey, CliError> {
    let mut key = GroupingKey::new(job).map_err(CliError::GroupingKey)?;
    for argument in group {
        let (name, value) = split_label(argument)?;
        key = key.with(name, value).map_err(CliError::GroupingKey)?;
    }
    Ok(key)
}

/// What groups have to look like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    /// Label names with the globs their values have to match.
    pub(crate) globs: BTreeMap<String, String>,
}

impl Selector {
    /// From `--job` and `--group`.
    ///
    /// # Errors
    /// If a `--group` has no `=`, or a label is given twice.
    pub(crate) fn new(job: Option<&str>, group: &[String]) -> Result<Self, CliError> {
        let mut globs = BTreeMap::new();
        globs.extend(job.map(|job| ("job".to_owned(), job.to_owned())));
        for argument in group {
            let (name, value) = split_label(argument)?;
            if globs.insert(name.to_owned(), value.to_owned()).is_some_and(|first| first != value) {
                let (argument, value) = ("--group", argument.clone());
                return Err(CliError::Argument { argument, value, expected: "each label once" });
            }
        }
        Ok(Self { globs })
    }

    /// Whether a wildcard is in any value.
    pub(crate) fn has_globs(&self) -> bool {
        self.globs.values().any(|value| Glob::new(value.as_str()).has_wildcard())
    }

    /// Whether a group has all these labels, with values that match.
    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.globs.iter().all(|(name, pattern)| {
            labels.get(name).is_some_and(|value| Glob::new(pattern.as_str()).matches(value))
        })
    }
}

fn split_label(argument: &str) -> Result<(&str, &str), CliError> {
    argument.split_once('=').ok_or_else(|| CliError::Argument {
        argument: "--group",
        value: argument.to_owned(),
        expected: "NAME=VALUE, such as `instance=db1`",
    })
}

/// Sorts groups by their jobs, then by their other labels.
pub(crate) fn sort(groups: &mut [Group]) {
    groups.sort_by(|a, b| {
        let job = |group: &Group| group.labels.get("job").cloned();
        job(a).cmp(&job(b)).then_with(|| a.labels.cmp(&b.labels))
    });
}

/// `labels` as Prometheus writes them, the job first.
pub(crate) fn shown_labels(labels: &BTreeMap<String, String>) -> String {
    let job = labels.get_key_value("job");
    let others = labels.iter().filter(|(name, _)| *name != "job");
    let pairs: Vec<String> =
        job.into_iter().chain(others).map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(","))
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

    #[test]
    fn selectors_want_the_label() {
        let labels = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
        };
        let selector = Selector::new(Some("gptme*"), &["instance=*".into()]).unwrap();
        assert!(selector.matches(&labels(&[("job", "gptme-1"), ("instance", "")])));
        assert!(!selector.matches(&labels(&[("job", "gptme-1")])));
        assert!(!selector.matches(&labels(&[("job", "x"), ("instance", "")])));
        assert!(Selector::new(None, &["a".into()]).is_err());
        assert!(Selector::new(Some("x"), &["job=y".into()]).is_err());
        assert!(Selector::default().matches(&labels(&[("job", "x")])));
        assert_eq!(shown_labels(&labels(&[("a", "1"), ("job", "x\"")])), "{job=\"x\\\"\",a=\"1\"}");
    }
}
