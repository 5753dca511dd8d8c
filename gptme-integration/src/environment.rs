//! The environment variables of gptme's telemetry, and those that prompush adds.

use std::ffi::OsString;
use std::net::IpAddr;
use std::time::Duration;

use prompush::{ConfigError, HttpUrl};

use crate::error::EnvironmentError;

/// The values of the environment variables of gptme's telemetry.
///
/// An empty variable counts as not set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Environment {
    /// `PUSHGATEWAY_URL`: the gateway to push to. Default: none, and nothing is pushed.
    pub gateway: Option<HttpUrl>,
    /// `GPTME_TELEMETRY_ENABLED`: `true`, `1` or `yes`, or `false`, `0` or `no`. Default: `false`.
    pub telemetry_enabled: bool,
    /// `OTLP_ENDPOINT`: where gptme 0.29 and later sends OTLP over HTTP. Default: none; gptme then
    /// sends to `http://localhost:4318`.
    pub otlp_endpoint: Option<HttpUrl>,
    /// `PROMETHEUS_ADDR`: the host name or IP address on which gptme up to 0.28 serves its metrics.
    /// Default: `localhost`.
    pub prometheus_addr: String,
    /// `PROMETHEUS_PORT`: the port on which gptme up to 0.28 serves its metrics. Default: 8000.
    pub prometheus_port: u16,
    /// `PROMPUSH_INTERVAL`: the time between two pushes, 15 to 300 seconds. Default: 30 s.
    pub interval: Duration,
}

/// The variable that names the gateway.
pub(crate) const GATEWAY: &str = "PUSHGATEWAY_URL";
const TELEMETRY_ENABLED: &str = "GPTME_TELEMETRY_ENABLED";
const OTLP_ENDPOINT: &str = "OTLP_ENDPOINT";
const PROMETHEUS_ADDR: &str = "PROMETHEUS_ADDR";
const PROMETHEUS_PORT: &str = "PROMETHEUS_PORT";
const INTERVAL: &str = "PROMPUSH_INTERVAL";

const PROMETHEUS_ADDR_DEFAULT: &str = "localhost";
const PROMETHEUS_PORT_DEFAULT: u16 = 8000;
const INTERVAL_DEFAULT: Duration = Duration::from_secs(30);
/// The port of OTLP over gRPC.
const OTLP_GRPC_PORT: u16 = 4317;

impl Environment {
    /// Reads the environment variables of this process.
    ///
    /// # Errors
    /// [`EnvironmentError`] for the first variable whose value cannot be used.
    pub fn from_env() -> Result<Self, EnvironmentError> {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    /// Reads the variables that `lookup` returns.
    ///
    /// # Errors
    /// As for [`from_env`](Self::from_env).
    pub fn from_lookup(
        mut lookup: impl FnMut(&str) -> Option<OsString>,
    ) -> Result<Self, EnvironmentError> {
        let mut variable = |name| match lookup(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value).filter(|value| !value.is_empty())),
            Some(Err(value)) => Err(error(name, &value.to_string_lossy(), "a value that is UTF-8")),
        };
        Ok(Self {
            gateway: variable(GATEWAY)?.map(|value| url(GATEWAY, &value)).transpose()?,
            telemetry_enabled: match variable(TELEMETRY_ENABLED)? {
                None => false,
                Some(value) => switch(&value)?,
            },
            otlp_endpoint: variable(OTLP_ENDPOINT)?
                .map(|value| url(OTLP_ENDPOINT, &value))
                .transpose()?,
            prometheus_addr: match variable(PROMETHEUS_ADDR)? {
                None => PROMETHEUS_ADDR_DEFAULT.to_owned(),
                Some(value) => host(value)?,
            },
            prometheus_port: match variable(PROMETHEUS_PORT)? {
                None => PROMETHEUS_PORT_DEFAULT,
                Some(value) => port(&value)?,
            },
            interval: match variable(INTERVAL)? {
                None => INTERVAL_DEFAULT,
                Some(value) => interval(&value)?,
            },
        })
    }

    /// Whether `OTLP_ENDPOINT` names port 4317, the port of OTLP over gRPC. gptme has used OTLP over
    /// HTTP since 0.29, so most likely port 4318 is meant.
    pub fn names_the_grpc_port(&self) -> bool {
        self.otlp_endpoint.as_ref().and_then(HttpUrl::port) == Some(OTLP_GRPC_PORT)
    }
}

fn error(variable: &'static str, value: &str, expected: &'static str) -> EnvironmentError {
    EnvironmentError { variable, value: value.to_owned(), expected }
}

fn url(variable: &'static str, value: &str) -> Result<HttpUrl, EnvironmentError> {
    HttpUrl::parse(value).map_err(|url_error| match url_error {
        ConfigError::Url { value, expected } => error(variable, &value, expected),
        _ => error(variable, "…", "a URL such as `http://localhost:9091`"),
    })
}

fn switch(value: &str) -> Result<bool, EnvironmentError> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => {
            let expected = "`true`, `1` or `yes`, or `false`, `0` or `no`";
            Err(error(TELEMETRY_ENABLED, value, expected))
        }
    }
}

fn host(value: String) -> Result<String, EnvironmentError> {
    let is_name_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if value.parse::<IpAddr>().is_ok() || value.bytes().all(is_name_byte) {
        return Ok(value);
    }
    Err(error(PROMETHEUS_ADDR, &value, "a host name or an IP address, without a port"))
}

fn port(value: &str) -> Result<u16, EnvironmentError> {
    match value.parse() {
        Ok(port @ 1..) => Ok(port),
        _ => Err(error(PROMETHEUS_PORT, value, "a port from 1 to 65535")),
    }
}

fn interval(value: &str) -> Result<Duration, EnvironmentError> {
    match value.strip_suffix('s').unwrap_or(value).parse() {
        Ok(seconds @ 15..=300) => Ok(Duration::from_secs(seconds)),
        _ => Err(error(INTERVAL, value, "a whole number of seconds from 15 to 300")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Environment, EnvironmentError> {
        Environment::from_lookup(|name| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.into())
        })
    }

    #[track_caller]
    fn check_refused(variable: &str, value: &str, expected: &str) {
        assert_eq!(read(&[(variable, value)]).unwrap_err().to_string(), expected);
    }

    #[test]
    fn without_variables_the_defaults_are_gptmes() {
        let environment = read(&[]).unwrap();
        assert_eq!(environment.gateway, None);
        assert!(!environment.telemetry_enabled);
        assert_eq!(environment.otlp_endpoint, None);
        assert_eq!(environment.prometheus_addr, "localhost");
        assert_eq!(environment.prometheus_port, 8000);
        assert_eq!(environment.interval, Duration::from_secs(30));
        assert_eq!(read(&[(GATEWAY, ""), (PROMETHEUS_PORT, "")]).unwrap(), environment);
    }

    #[test]
    fn the_guides_profile_is_read() {
        let environment = read(&[
            ("GPTME_TELEMETRY_ENABLED", "true"),
            ("OTLP_ENDPOINT", "http://192.168.1.65:4317"),
            ("PUSHGATEWAY_URL", "http://192.168.1.65:9091"),
            ("PROMETHEUS_ADDR", "0.0.0.0"),
            ("PROMETHEUS_PORT", "8100"),
            ("PROMPUSH_INTERVAL", "15"),
        ])
        .unwrap();
        assert!(environment.telemetry_enabled);
        assert_eq!(environment.gateway, Some(HttpUrl::parse("http://192.168.1.65:9091").unwrap()));
        assert!(environment.names_the_grpc_port());
        assert_eq!(environment.prometheus_addr, "0.0.0.0");
        assert_eq!(environment.prometheus_port, 8100);
        assert_eq!(environment.interval, Duration::from_secs(15));
    }

    #[test]
    fn switches_are_read_as_gptme_reads_them() {
        for (value, expected) in
            [("1", true), ("yes", true), ("TRUE", true), ("0", false), ("no", false)]
        {
            let environment = read(&[(TELEMETRY_ENABLED, value)]).unwrap();
            assert_eq!(environment.telemetry_enabled, expected, "{value}");
        }
    }

    #[test]
    fn a_wrong_value_is_one_clear_error() {
        check_refused(
            TELEMETRY_ENABLED,
            "on",
            "environment variable `GPTME_TELEMETRY_ENABLED` is `on`, expected `true`, `1` or \
             `yes`, or `false`, `0` or `no`",
        );
        for wrong in ["0", "65536", "-1", "http", "80 "] {
            check_refused(
                PROMETHEUS_PORT,
                wrong,
                &format!(
                    "environment variable `PROMETHEUS_PORT` is `{wrong}`, expected a port from 1 \
                     to 65535"
                ),
            );
        }
        check_refused(
            PROMETHEUS_ADDR,
            "localhost:8000",
            "environment variable `PROMETHEUS_ADDR` is `localhost:8000`, expected a host name or \
             an IP address, without a port",
        );
        for wrong in ["14", "301", "1m", ""] {
            if !wrong.is_empty() {
                check_refused(
                    INTERVAL,
                    wrong,
                    &format!(
                        "environment variable `PROMPUSH_INTERVAL` is `{wrong}`, expected a whole \
                         number of seconds from 15 to 300"
                    ),
                );
            }
        }
    }

    #[test]
    fn a_wrong_url_is_shown_without_its_password() {
        for variable in [GATEWAY, OTLP_ENDPOINT] {
            let error = read(&[(variable, "ftp://me:secret@host:21/")]).unwrap_err();
            assert_eq!(error.variable, variable);
            assert!(!error.to_string().contains("secret"), "{error}");
            assert!(error.expected.contains("http://"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_text_is_refused() {
        use std::os::unix::ffi::OsStringExt;
        let error = Environment::from_lookup(|name| {
            (name == GATEWAY).then(|| OsString::from_vec(vec![b'a', 0xFF]))
        })
        .unwrap_err();
        assert_eq!((error.variable, error.expected), (GATEWAY, "a value that is UTF-8"));
    }
}
