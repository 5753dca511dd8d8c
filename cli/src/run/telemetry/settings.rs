//! The environment variables of telemetry: those that the user has set, and those that the command gets.

use std::ffi::OsString;
use std::time::Duration;

use prompush::HttpUrl;
use prompush_gptme::{Environment, EnvironmentError};

use crate::environment::INTERVAL;
use crate::run::telemetry::prometheus_address::PrometheusAddress;

const GPTME_ENABLED: &str = "GPTME_TELEMETRY_ENABLED";
const GPTME_ENDPOINT: &str = "OTLP_ENDPOINT";
const OTEL_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const OTEL_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const OTEL_METRICS_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
const OTEL_METRICS_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL";
const PROMETHEUS_ADDR: &str = "PROMETHEUS_ADDR";
const PROMETHEUS_PORT: &str = "PROMETHEUS_PORT";

/// The only encoding that the receiver understands.
const PROTOCOL: &str = "http/protobuf";
/// The variables that name a proxy for HTTP. `NO_PROXY` lists the variables with exceptions.
const PROXIES: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];
const LOOPBACK: &str = "127.0.0.1";

/// The kind of the command, which decides which variables it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommandKind {
    Gptme,
    /// Any program that exports OTLP over HTTP.
    Other,
}

/// The settings that the user has made in the environment.
#[derive(Debug)]
pub(crate) struct TelemetrySettings {
    kind: CommandKind,
    /// The endpoint that the user wants traces to go to.
    pub(crate) traces_to: Option<HttpUrl>,
    /// Time between two pushes.
    pub(crate) interval: Duration,
    /// The address on which the command may serve metrics instead of exporting them.
    pub(super) prometheus_address: Option<PrometheusAddress>,
    /// Whether the user has turned the telemetry of gptme off.
    pub(crate) is_turned_off: bool,
}

impl TelemetrySettings {
    /// Reads the variables that `lookup` returns.
    ///
    /// # Errors
    /// [`EnvironmentError`] if the value of a variable cannot be used.
    pub(crate) fn read(
        kind: CommandKind,
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, EnvironmentError> {
        let read = [GPTME_ENABLED, GPTME_ENDPOINT, INTERVAL];
        let environment =
            Environment::from_lookup(|name| lookup(name).filter(|_| read.contains(&name)))?;
        let is_set = lookup(GPTME_ENABLED).is_some_and(|value| !value.is_empty());
        Ok(Self {
            kind,
            traces_to: environment.otlp_endpoint,
            interval: environment.interval,
            prometheus_address: (kind == CommandKind::Gptme)
                .then(|| prometheus_address(lookup))
                .flatten(),
            is_turned_off: is_set && !environment.telemetry_enabled,
        })
    }

    /// The variables that make a command send its metrics to `endpoint`.
    ///
    /// If the user has set a collector for a command other than gptme, its traces and logs still go there.
    pub(crate) fn variables(
        &self,
        endpoint: &str,
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Vec<(&'static str, String)> {
        let is_set = |name: &str| lookup(name).is_some_and(|value| !value.is_empty());
        let mut variables =
            vec![(GPTME_ENDPOINT, endpoint.to_owned()), (GPTME_ENABLED, "true".to_owned())];
        let address = self.prometheus_address.as_ref();
        if let Some(address) = address.and_then(PrometheusAddress::for_environment) {
            variables.push((PROMETHEUS_ADDR, address.ip().to_string()));
            variables.push((PROMETHEUS_PORT, address.port().to_string()));
        }
        if self.kind == CommandKind::Other {
            variables.push((OTEL_METRICS_ENDPOINT, format!("{endpoint}/v1/metrics")));
            variables.push((OTEL_METRICS_PROTOCOL, PROTOCOL.to_owned()));
            if !is_set(OTEL_ENDPOINT) {
                variables.push((OTEL_ENDPOINT, endpoint.to_owned()));
                variables.push((OTEL_PROTOCOL, PROTOCOL.to_owned()));
            }
        }
        if PROXIES.into_iter().any(is_set) {
            variables.extend(without_proxy(lookup));
        }
        variables
    }
}

/// The address on which gptme up to 0.28 serves its metrics. A wrong value is no error, because newer versions do not
/// read these variables.
fn prometheus_address(lookup: impl Fn(&str) -> Option<OsString>) -> Option<PrometheusAddress> {
    if lookup(PROMETHEUS_PORT).is_none_or(|port| port.is_empty()) {
        return PrometheusAddress::reserve().ok();
    }
    let read = [PROMETHEUS_ADDR, PROMETHEUS_PORT];
    let environment =
        Environment::from_lookup(|name| lookup(name).filter(|_| read.contains(&name))).ok()?;
    PrometheusAddress::chosen_by_user(&environment.prometheus_addr, environment.prometheus_port)
        .ok()
}

/// The variables with the exceptions of the proxy, with this machine added.
fn without_proxy(lookup: impl Fn(&str) -> Option<OsString>) -> Vec<(&'static str, String)> {
    let value = |name| lookup(name)?.into_string().ok().filter(|value: &String| !value.is_empty());
    let given: Vec<(&str, String)> =
        NO_PROXY.into_iter().filter_map(|name| Some((name, value(name)?))).collect();
    if given.is_empty() {
        return NO_PROXY.into_iter().map(|name| (name, LOOPBACK.to_owned())).collect();
    }
    let lacks_it = |list: &str| !list.split(',').any(|host| matches!(host.trim(), LOOPBACK | "*"));
    let lacking = given.into_iter().filter(|(_, list)| lacks_it(list));
    lacking.map(|(name, list)| (name, format!("{list},{LOOPBACK}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup<'a>(set: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        |name| set.iter().find(|(set, _)| *set == name).map(|(_, value)| value.into())
    }

    #[track_caller]
    fn check(kind: CommandKind, set: &[(&str, &str)], expected: &[(&str, &str)]) {
        let settings = TelemetrySettings::read(kind, lookup(set)).unwrap();
        let found = settings.variables("http://127.0.0.1:1", lookup(set));
        let mut found: Vec<(&str, &str)> =
            found.iter().map(|(name, value)| (*name, value.as_str())).collect();
        found.retain(|(name, _)| !name.starts_with("PROMETHEUS_"));
        assert_eq!(found, expected);
    }

    const FOR_GPTME: [(&str, &str); 2] =
        [(GPTME_ENDPOINT, "http://127.0.0.1:1"), (GPTME_ENABLED, "true")];

    #[test]
    fn gptme_is_told_where_to_send() {
        check(CommandKind::Gptme, &[], &FOR_GPTME);
        check(
            CommandKind::Gptme,
            &[(OTEL_ENDPOINT, "http://x"), ("PUSHGATEWAY_URL", ":")],
            &FOR_GPTME,
        );
    }

    #[test]
    fn old_gptme_is_told_where_to_serve_unless_the_user_has() {
        let told = |kind, set: &[(&str, &str)]| {
            let found = TelemetrySettings::read(kind, lookup(set)).unwrap();
            let mut told = found.variables("http://127.0.0.1:1", lookup(set));
            told.retain(|(name, _)| name.starts_with("PROMETHEUS_"));
            (found.prometheus_address.is_some(), told)
        };
        for set in [&[][..], &[(PROMETHEUS_PORT, ""), (PROMETHEUS_ADDR, "0.0.0.0")]] {
            let (is_read, told) = told(CommandKind::Gptme, set);
            assert!(is_read && told[0] == (PROMETHEUS_ADDR, LOOPBACK.to_owned()), "{told:?}");
            assert!(told[1].0 == PROMETHEUS_PORT && told[1].1.parse::<u16>().is_ok(), "{told:?}");
        }
        assert_eq!(told(CommandKind::Gptme, &[(PROMETHEUS_PORT, "eight")]), (false, vec![]));
        assert_eq!(told(CommandKind::Other, &[]), (false, vec![]));
    }

    #[test]
    fn others_keep_their_collector_for_all_but_metrics() {
        let metrics = [
            (OTEL_METRICS_ENDPOINT, "http://127.0.0.1:1/v1/metrics"),
            (OTEL_METRICS_PROTOCOL, "http/protobuf"),
        ];
        let all = [(OTEL_ENDPOINT, "http://127.0.0.1:1"), (OTEL_PROTOCOL, "http/protobuf")];
        check(CommandKind::Other, &[], &[&FOR_GPTME[..], &metrics, &all].concat());
        check(
            CommandKind::Other,
            &[(OTEL_ENDPOINT, "http://x")],
            &[&FOR_GPTME[..], &metrics].concat(),
        );
    }

    #[test]
    fn no_proxy_stands_between() {
        let proxy = ("http_proxy", "http://proxy");
        let with = |more: &[(&'static str, &'static str)]| [&FOR_GPTME[..], more].concat();
        let both = [("no_proxy", "127.0.0.1"), ("NO_PROXY", "127.0.0.1")];
        check(CommandKind::Gptme, &[proxy], &with(&both));
        check(
            CommandKind::Gptme,
            &[proxy, ("NO_PROXY", "a")],
            &with(&[("NO_PROXY", "a,127.0.0.1")]),
        );
        check(CommandKind::Gptme, &[proxy, ("no_proxy", "a, 127.0.0.1")], &with(&[]));
        check(CommandKind::Gptme, &[("NO_PROXY", "a")], &with(&[]));
    }

    #[test]
    fn what_the_user_says_is_kept() {
        let read = |set: &[(&str, &str)]| TelemetrySettings::read(CommandKind::Gptme, lookup(set));
        let settings = read(&[(GPTME_ENDPOINT, "http://c:4318"), (INTERVAL, "15")]).unwrap();
        assert_eq!(settings.traces_to.unwrap().to_redacted().to_string(), "http://c:4318");
        assert_eq!(settings.interval, Duration::from_secs(15));
        assert!(!settings.is_turned_off);
        assert!(read(&[(GPTME_ENABLED, "false")]).unwrap().is_turned_off);
        assert!(!read(&[(GPTME_ENABLED, "1")]).unwrap().is_turned_off);
        assert!(!read(&[(GPTME_ENABLED, "")]).unwrap().is_turned_off);
        for wrong in [(GPTME_ENABLED, "maybe"), (INTERVAL, "1"), (GPTME_ENDPOINT, "ftp://x")] {
            let error = read(&[wrong]).unwrap_err().to_string();
            assert!(error.contains(wrong.0) && error.contains(wrong.1), "{error}");
        }
    }
}
