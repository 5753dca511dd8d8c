//! The gateway as a client sees it: operations on the caller's thread.

pub(crate) mod expiry;
pub(crate) mod gateway;
pub(crate) mod http_client;
