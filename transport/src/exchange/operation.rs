//! Operations on a gateway, and the requests that they become.

use crate::error::Verb;
use crate::group_key::AnyGroupingKey;
use crate::http::Method;
use crate::payload::EncodedBody;

/// One operation on a gateway.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation<'a> {
    pub(crate) verb: Verb,
    /// The group of a push, an add or a delete; `None` for the other verbs.
    pub(crate) key: Option<&'a AnyGroupingKey>,
    pub(crate) body: Option<&'a EncodedBody>,
}

impl<'a> Operation<'a> {
    /// An operation on the gateway as a whole: list, scrape or ready.
    pub(crate) fn on_gateway(verb: Verb) -> Self {
        Self { verb, key: None, body: None }
    }

    /// An operation on one group: push, add or delete.
    pub(crate) fn on_group(verb: Verb, key: &'a AnyGroupingKey) -> Self {
        Self { verb, key: Some(key), body: None }
    }

    pub(crate) fn method(&self) -> Method {
        match self.verb {
            Verb::Push => Method::PUT,
            Verb::Add => Method::POST,
            Verb::Delete => Method::DELETE,
            Verb::List | Verb::Scrape | Verb::Ready => Method::GET,
        }
    }

    /// The path below the gateway's base URL, with the slash that it begins with.
    pub(crate) fn path(&self) -> &'a str {
        match self.verb {
            Verb::Push | Verb::Add | Verb::Delete => self.key.map_or("", AnyGroupingKey::path),
            Verb::List => "/api/v1/metrics",
            Verb::Scrape => "/metrics",
            Verb::Ready => "/-/ready",
        }
    }

    /// Size of the body as it is sent, in bytes.
    pub(crate) fn body_bytes(&self) -> usize {
        self.body.map_or(0, |body| body.http().bytes.len())
    }
}
