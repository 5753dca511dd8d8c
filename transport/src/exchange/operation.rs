//! What a gateway is asked.

use ureq::http::Method;

use crate::error::verb::Verb;
use crate::payload::body::EncodedBody;

pub(crate) const READY_PATH: &str = "/-/ready";
pub(crate) const SCRAPE_PATH: &str = "/metrics";
pub(crate) const GROUPS_PATH: &str = "/api/v1/metrics";

/// What is asked of the gateway.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation<'a> {
    pub(crate) verb: Verb,
    /// Below the gateway's base URL, from the slash on.
    pub(crate) path: &'a str,
    pub(crate) body: Option<&'a EncodedBody>,
}

impl Operation<'_> {
    /// Size of the body as it is sent, in bytes.
    pub(crate) fn body_bytes(&self) -> usize {
        self.body.map_or(0, |body| body.http().bytes.len())
    }

    pub(crate) fn method(&self) -> Method {
        match self.verb {
            Verb::Push => Method::PUT,
            Verb::Add => Method::POST,
            Verb::Delete => Method::DELETE,
            Verb::List | Verb::Scrape | Verb::Ready => Method::GET,
        }
    }
}
