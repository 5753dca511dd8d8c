//! The proxy that the environment names.

use std::sync::Once;

use ureq::ProxyProtocol::{Http, Https};

/// The environment is that of the whole program, so one warning is enough.
static WARNED_OF_SOCKS: Once = Once::new();

/// Warns once when the environment names a SOCKS proxy. The HTTP client does not use such a proxy, and
/// would say so in its own log only.
pub(crate) fn warn_of_socks(config: &ureq::config::Config) {
    let protocol = config.proxy().map(ureq::Proxy::protocol);
    if let Some(protocol) = protocol.filter(|protocol| !matches!(protocol, Http | Https)) {
        WARNED_OF_SOCKS.call_once(|| {
            log::warn!(
                "the environment names a proxy of {protocol}, which is not used: only HTTP proxies are"
            );
        });
    }
}
