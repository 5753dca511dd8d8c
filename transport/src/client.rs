//! The client of a gateway, as a program uses it from its own thread.

pub(crate) mod delete;
pub(crate) mod expiry;
pub(crate) mod gateway;
pub(crate) mod gc;
pub(crate) mod group_selector;
pub(crate) mod http_client;

pub(crate) use gateway::Gateway;
