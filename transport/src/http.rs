//! HTTP as the gateway is asked by it: URLs, credentials, TLS, and the one file that names the HTTP client.

pub(crate) mod agent;
pub(crate) mod credentials;
pub(crate) mod deadline;
pub(crate) mod failure;
pub(crate) mod proxy;
pub(crate) mod request;
pub(crate) mod secret;
pub(crate) mod sent_body;
pub(crate) mod tls;
pub(crate) mod url;
