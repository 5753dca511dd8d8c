//! The limits and options of every request to a gateway, each with a default.

use std::time::Duration;

use prompush_core::Format;

use crate::error::ConfigError;
use crate::exchange::retry::RetryPolicy;
use crate::http::{Credentials, HttpAgentOptions, Tls};
use crate::payload::BodyOptions;

/// One mebibyte, in bytes.
const MIB: usize = 1024 * 1024;

/// The transfer rate that a large body is granted time for, in bytes per second.
const BYTES_PER_SECOND_MIN: usize = MIB;

/// The limits and options of a [`Gateway`](crate::Gateway), an [`Outbox`](crate::Outbox) and a
/// [`Pusher`](crate::Pusher).
///
/// Every limit has a default, and no default means "for ever".
///
/// ```
/// use std::time::Duration;
/// use prompush::GatewayConfig;
///
/// let config = GatewayConfig::default().total_timeout(Duration::from_secs(5)).gzip(true);
/// assert_eq!(config.connect_timeout, Duration::from_secs(2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GatewayConfig {
    /// Longest time to look up the gateway's name, per attempt. Default: 2 s.
    pub resolve_timeout: Duration,
    /// Longest time to connect, the TLS handshake included, per attempt. Default: 2 s.
    pub connect_timeout: Duration,
    /// Longest time of one attempt, from looking up the name to the last byte of the answer.
    ///
    /// An attempt gets one second more for each MiB of its body as it is sent, so that a large body can
    /// cross a slow network. Default: 10 s.
    pub attempt_timeout: Duration,
    /// Longest time of one operation, with all its attempts and the waits between them.
    ///
    /// A background pusher ignores this limit: it retries until a newer state replaces the one that it
    /// could not push. Default: 30 s.
    pub total_timeout: Duration,
    /// Longest wait before the second attempt. It doubles with each further attempt, and every wait is a
    /// random part of it. Default: 100 ms.
    pub retry_delay_min: Duration,
    /// Longest wait between two attempts, unless the gateway asks for a longer one. Default: 30 s.
    pub retry_delay_max: Duration,
    /// Longest wait that a gateway can ask for with `Retry-After`. A longer one is cut to this. Default:
    /// 60 s.
    pub retry_after_max: Duration,
    /// How many attempts in a row may end in a connection that the gateway closed without an answer
    /// after it had received the whole body. Then the operation gives up.
    ///
    /// Pushgateway 1.11.0 (Debian 13) closes the connection on a push that it finds inconsistent, so
    /// more attempts would not help. Default: 3.
    pub dropped_attempts_max: u32,
    /// Largest body to push, in bytes before compression. Default: 64 MiB.
    pub body_bytes_max: usize,
    /// Largest answer to read when groups are listed or metrics are scraped, in bytes.
    ///
    /// A list of 10,000 groups with 20 samples each has 28 MB. Default: 256 MiB.
    pub answer_bytes_max: usize,
    /// How much of the gateway's error text is shown with a refusal, in bytes. Default: 2048.
    pub answer_text_bytes_max: usize,
    /// The format of a pushed body: [`Format::Text`] or [`Format::Protobuf`].
    ///
    /// Protobuf is smaller, and the only format that holds native histograms. With text, the error
    /// about a refused push quotes the line that the gateway refused. Gateways read no
    /// [`Format::OpenMetrics`]. Default: [`Format::Text`].
    pub format: Format,
    /// Whether bodies are compressed with gzip. Default: `false`.
    pub gzip: bool,
    /// Whether the proxy variables of the environment apply: `ALL_PROXY`, `HTTPS_PROXY` and
    /// `HTTP_PROXY`, in this order, in upper or lower case, and `NO_PROXY`.
    ///
    /// Requests pass the proxy by `CONNECT`, also those to an `http` URL. SOCKS proxies are not used.
    /// Default: `true`.
    pub proxy_from_environment: bool,
    /// Credentials and headers that are sent with every request. Default: none.
    pub credentials: Credentials,
    /// The trusted authorities and the client certificate for `https` URLs. Default: the public
    /// authorities, and no client certificate.
    pub tls: Tls,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            resolve_timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(2),
            attempt_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
            retry_delay_min: Duration::from_millis(100),
            retry_delay_max: Duration::from_secs(30),
            retry_after_max: Duration::from_mins(1),
            dropped_attempts_max: 3,
            body_bytes_max: 64 * MIB,
            answer_bytes_max: 256 * MIB,
            answer_text_bytes_max: 2048,
            format: Format::Text,
            gzip: false,
            proxy_from_environment: true,
            credentials: Credentials::default(),
            tls: Tls::default(),
        }
    }
}

impl GatewayConfig {
    pub(crate) fn agent_options(&self) -> HttpAgentOptions<'_> {
        HttpAgentOptions {
            resolve_timeout: self.resolve_timeout,
            connect_timeout: self.connect_timeout,
            attempt_timeout: self.attempt_timeout,
            proxy_from_environment: self.proxy_from_environment,
            tls: &self.tls,
        }
    }

    pub(crate) fn body_options(&self) -> BodyOptions {
        BodyOptions { format: self.format, bytes_max: self.body_bytes_max, gzip: self.gzip }
    }

    /// When a failed attempt is repeated.
    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        RetryPolicy::default().delay_min(self.retry_delay_min).delay_max(self.retry_delay_max)
    }

    /// The time for an attempt whose body has that many bytes as it is sent.
    pub(crate) fn attempt_timeout_for(&self, bytes: usize) -> Duration {
        let extra = u32::try_from(bytes / BYTES_PER_SECOND_MIN).unwrap_or(u32::MAX);
        self.attempt_timeout.saturating_add(Duration::from_secs(extra.into()))
    }

    /// Refuses a timeout of zero and a format that no gateway reads.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let limits = [
            ("resolve_timeout", self.resolve_timeout),
            ("connect_timeout", self.connect_timeout),
            ("attempt_timeout", self.attempt_timeout),
        ];
        if let Some((option, value)) = limits.into_iter().find(|(_, value)| value.is_zero()) {
            return Err(ConfigError::Option { option, value, expected: "more than zero" });
        }
        match self.format {
            Format::Text | Format::Protobuf => Ok(()),
            format => Err(ConfigError::Format { format }),
        }
    }
}

prompush_core::config_setters! {
    GatewayConfig {
        resolve_timeout: Duration,
        connect_timeout: Duration,
        attempt_timeout: Duration,
        total_timeout: Duration,
        retry_delay_min: Duration,
        retry_delay_max: Duration,
        retry_after_max: Duration,
        dropped_attempts_max: u32,
        body_bytes_max: usize,
        answer_bytes_max: usize,
        answer_text_bytes_max: usize,
        format: Format,
        gzip: bool,
        proxy_from_environment: bool,
        credentials: Credentials,
        tls: Tls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_body_gets_more_time() {
        let config = GatewayConfig::default();
        for (bytes, seconds) in [(0, 10), (MIB - 1, 10), (MIB, 11), (64 * MIB, 74)] {
            assert_eq!(config.attempt_timeout_for(bytes), Duration::from_secs(seconds), "{bytes}");
        }
        let config = config.attempt_timeout(Duration::MAX);
        assert_eq!(config.attempt_timeout_for(usize::MAX), Duration::MAX);
    }
}
