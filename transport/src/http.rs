//! HTTP: requests, URLs, credentials and TLS. Only this folder names the HTTP client, `ureq`.

pub(crate) mod agent;
pub(crate) mod credentials;
pub(crate) mod deadline_interrupt;
pub(crate) mod failure;
pub(crate) mod proxy;
pub(crate) mod request;
pub(crate) mod secret;
pub(crate) mod sent_body;
pub(crate) mod tls;
pub(crate) mod url;

pub(crate) use agent::{HttpAgent, HttpAgentOptions};
pub(crate) use credentials::Credentials;
pub(crate) use failure::{HttpFailure, HttpFailureKind, read_failure};
pub(crate) use request::{HttpBody, HttpRequest, HttpResponse, HttpSend};
pub(crate) use tls::Tls;
pub(crate) use url::HttpUrl;

pub(crate) use ureq::http::Method;
