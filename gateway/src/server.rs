//! The gateway on its HTTP server.

use std::net::SocketAddr;
use std::sync::Arc;

use prompush_core::clock::{Clock, SystemClock};
use prompush_http_server::{HttpServer, ShutdownHandle};

use crate::config::Config;
use crate::error::GatewayError;
use crate::service::Service;

/// A gateway, bound to its addresses.
#[derive(Debug)]
pub struct Server {
    http: HttpServer<Service>,
}

impl Server {
    /// Binds the addresses of the configuration.
    ///
    /// # Errors
    ///
    /// If there is no address, or one cannot be bound.
    pub fn bind(config: Config) -> Result<Self, GatewayError> {
        Self::bind_with_clock(config, Arc::new(SystemClock))
    }

    /// Binds the addresses, and takes the time from `clock`.
    /// The timeouts of the HTTP side are always measured on the machine's clock.
    ///
    /// # Errors
    ///
    /// If there is no address, or one cannot be bound.
    pub fn bind_with_clock(config: Config, clock: Arc<dyn Clock>) -> Result<Self, GatewayError> {
        let (listen, limits) = (config.listen.clone(), config.limits());
        Ok(Self { http: HttpServer::bind(&listen, limits, Service::new(config, clock))? })
    }

    /// The addresses bound, in the order of the configuration, with the ports that were free for `:0`.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.http.addresses()
    }

    /// What stops this server.
    pub fn handle(&self) -> Handle {
        Handle { shutdown: self.http.shutdown_handle() }
    }

    /// Serves on this thread until stopped.
    ///
    /// # Errors
    ///
    /// If the runtime or a socket cannot be set up.
    pub fn run(self) -> Result<(), GatewayError> {
        Ok(self.http.run()?)
    }
}

/// Stops a [`Server`] from any thread.
#[derive(Clone, Debug)]
pub struct Handle {
    shutdown: ShutdownHandle,
}

impl Handle {
    /// Asks the server to end; [`Server::run`] returns when requests in work are answered,
    /// or after [`Limits::shutdown_timeout`](prompush_http_server::Limits::shutdown_timeout).
    pub fn stop(&self) {
        self.shutdown.shutdown();
    }
}
