//! A gateway in this process, for the demo and for the generated documentation.

use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

use prompush_gateway::{Config, Server, ShutdownHandle};

use crate::error::CliError;
use crate::output::terminal::print_error;

/// Where it listens: on this machine only, on a free port.
const LISTEN: &str = "127.0.0.1:0";

/// A gateway that runs on its own thread. Dropping it stops the gateway and waits for the thread.
#[derive(Debug)]
pub(crate) struct LocalGateway {
    address: SocketAddr,
    handle: ShutdownHandle,
    thread: Option<JoinHandle<()>>,
}

impl LocalGateway {
    /// Starts a gateway on a free port of the loopback interface.
    ///
    /// # Errors
    /// If no port can be bound, or no thread can be started.
    pub(crate) fn start() -> Result<Self, CliError> {
        let mut config = Config::default();
        config.listen = vec![LISTEN.to_owned()];
        let server = Server::bind(config).map_err(CliError::Server)?;
        let handle = server.shutdown_handle();
        let address = *server
            .addresses()
            .first()
            .ok_or_else(|| CliError::Demo("the gateway listens on no address".to_owned()))?;
        let serve = move || {
            if let Err(error) = server.run() {
                print_error(&CliError::Server(error));
            }
        };
        let thread = thread::Builder::new().name("gateway".to_owned()).spawn(serve);
        let thread =
            thread.map_err(|error| CliError::System("start the gateway's thread", error))?;
        Ok(Self { address, handle, thread: Some(thread) })
    }

    /// The base URL of the gateway.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for LocalGateway {
    fn drop(&mut self) {
        self.handle.shutdown();
        if let Some(thread) = self.thread.take() {
            thread.join().ok(); // a panic of the thread was printed already
        }
    }
}
