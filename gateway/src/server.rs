//! The gateway on its HTTP server.

use std::net::SocketAddr;
use std::sync::Arc;

use prompush_core::clock::{Clock, SystemClock};
use prompush_http_server::{HttpServer, ShutdownHandle};

use crate::config::Config;
use crate::error::GatewayError;
use crate::routes::handler::GatewayHandler;

/// A gateway that is bound to its addresses.
#[derive(Debug)]
pub struct Server {
    http: HttpServer<GatewayHandler>,
}

impl Server {
    /// Binds the addresses of the configuration.
    ///
    /// # Errors
    ///
    /// [`GatewayError::Serve`] if the configuration has no address, or if an address cannot be bound.
    pub fn bind(config: Config) -> Result<Self, GatewayError> {
        Self::bind_with_clock(config, Arc::new(SystemClock))
    }

    /// Binds the addresses of the configuration, and uses `clock` for push times and expiry. The HTTP server always
    /// measures its timeouts on the system's clock.
    ///
    /// # Errors
    ///
    /// [`GatewayError::Serve`] if the configuration has no address, or if an address cannot be bound.
    pub fn bind_with_clock(config: Config, clock: Arc<dyn Clock>) -> Result<Self, GatewayError> {
        let (listen, limits) = (config.listen.clone(), config.http.clone());
        Ok(Self { http: HttpServer::bind(&listen, limits, GatewayHandler::new(config, clock))? })
    }

    /// The bound addresses, in the order of the configuration. If the configuration has port 0, the address has the
    /// real port.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.http.addresses()
    }

    /// A handle that shuts this server down.
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        self.http.shutdown_handle()
    }

    /// Serves on the calling thread until a shutdown is requested, by a [`ShutdownHandle`] or by `/-/quit`.
    ///
    /// # Errors
    ///
    /// [`GatewayError::Serve`] if the HTTP server cannot be set up.
    pub fn run(self) -> Result<(), GatewayError> {
        Ok(self.http.run()?)
    }
}
