//! Every limit of the push path, each with a name, a unit and a default.

use std::time::Duration;

use prompush_core::Format;

use crate::error::config::ConfigError;
use crate::exchange::retry::RetryPolicy;
use crate::http::credentials::Credentials;
use crate::http::tls::Tls;

/// One mebibyte, in bytes.
const MIB: usize = 1024 * 1024;

/// The slowest line that carries a body of any size, 8 Mbit/s; bytes in a second.
const BYTES_PER_SECOND_MIN: usize = MIB;

/// The limits and options of a [`Gateway`](crate::Gateway) and of a [`Pusher`](crate::Pusher).
///
/// Every field has a default; none of them means for ever.
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
    /// Longest time of one attempt, from looking up the name to the last byte of the answer; an
    /// attempt gets one second more for each MiB of body, as it is sent, so that a slow line can
    /// carry a large one. Default: 10 s.
    pub attempt_timeout: Duration,
    /// Longest time of one operation with all its attempts and the waits between them.
    /// A background pusher has no use for it: it tries until its state is replaced. Default: 30 s.
    pub total_timeout: Duration,
    /// Shortest wait before a second attempt; it doubles with each attempt. Default: 100 ms.
    pub retry_delay_min: Duration,
    /// Longest wait between two attempts of our own choice. Default: 30 s.
    pub retry_delay_max: Duration,
    /// Longest wait a gateway can ask for with `Retry-After`; more is cut to this. Default: 60 s.
    pub retry_after_max: Duration,
    /// Attempts that may end in a connection closed without an answer after a whole body was sent,
    /// before the operation gives up. Pushgateway 1.11.0 (Debian 13) does this for pushes it finds
    /// inconsistent, so more attempts would not help. Default: 3.
    pub dropped_attempts_max: u32,
    /// Largest body to push, in bytes, before compression. Default: 64 MiB.
    pub body_bytes_max: usize,
    /// Largest answer to read when listing groups, in bytes; 10,000 groups of 20 samples are
    /// 28 MB. Default: 256 MiB.
    pub answer_bytes_max: usize,
    /// Most of the gateway's words shown with a refusal, in bytes. Default: 2048.
    pub answer_text_bytes_max: usize,
    /// The format of what is pushed: [`Format::Text`], or [`Format::Protobuf`], which is smaller
    /// and the only one that holds native histograms. Gateways read both, but no
    /// [`Format::OpenMetrics`]. A refusal of text names its line. Default: [`Format::Text`].
    pub format: Format,
    /// Whether bodies are sent compressed with gzip. Default: `false`.
    pub gzip: bool,
    /// Whether the proxy variables of the environment are followed (`ALL_PROXY`, `HTTPS_PROXY`,
    /// `HTTP_PROXY`, in this order, upper or lower case, and `NO_PROXY`); a proxy is asked by
    /// `CONNECT` also for plain `http`. SOCKS is not spoken. Default: `true`.
    pub proxy_from_environment: bool,
    /// Credentials and headers that go with every request. Default: none.
    pub credentials: Credentials,
    /// Whom to trust and who we are, on connections by `https`. Default: the public authorities, and
    /// no client certificate.
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
    /// When a failed attempt is repeated.
    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        RetryPolicy::default().delay_min(self.retry_delay_min).delay_max(self.retry_delay_max)
    }

    /// Time for an attempt with a body of that size, as it is sent.
    pub(crate) fn attempt_timeout_for(&self, bytes: usize) -> Duration {
        let extra = u32::try_from(bytes / BYTES_PER_SECOND_MIN).unwrap_or(u32::MAX);
        self.attempt_timeout.saturating_add(Duration::from_secs(extra.into()))
    }

    /// Refuses what no gateway can read.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let limits = [
            ("resolve_timeout", self.resolve_timeout),
            ("connect_timeout", self.connect_timeout),
            ("attempt_timeout", self.attempt_timeout),
        ];
        if let Some((option, value)) = limits.into_iter().find(|(_, value)| value.is_zero()) {
            return Err(ConfigError::Option { option, value, expected: "more than nothing" });
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
