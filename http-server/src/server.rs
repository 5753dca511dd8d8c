//! Listeners and the loop that accepts connections.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::LocalSet;

use crate::connection::Connections;
use crate::error::ServeError;
use crate::handler::Handler;
use crate::limits::Limits;
use crate::stopper::Stopper;

/// Listeners, bound, with what they serve.
pub struct HttpServer<H> {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    limits: Limits,
    handler: Arc<H>,
    stopper: Stopper,
}

impl<H> std::fmt::Debug for HttpServer<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpServer").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl<H: Handler> HttpServer<H> {
    /// Time between two calls of [`Handler::housekeep`].
    const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(1);
    /// Time to wait after a failed `accept`, which mostly means that file descriptors are out.
    const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

    /// Binds every address: `host:port`, or `:port` for all interfaces.
    ///
    /// # Errors
    ///
    /// If there is no address, or one cannot be bound.
    pub fn bind(listen: &[String], limits: Limits, handler: H) -> Result<Self, ServeError> {
        if listen.is_empty() {
            return Err(ServeError::NoAddress);
        }
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for address in listen {
            let (listener, bound) = bind(address)
                .map_err(|source| ServeError::Listen { address: address.clone(), source })?;
            listeners.push(listener);
            addresses.push(bound);
        }
        let handler = Arc::new(handler);
        Ok(Self { listeners, addresses, limits, handler, stopper: Stopper::new() })
    }

    /// The addresses bound, in the order given, with the ports that were free for `:0`.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What stops this server.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Serves on this thread until stopped.
    ///
    /// # Errors
    ///
    /// If the runtime or a socket cannot be set up.
    pub fn run(self) -> Result<(), ServeError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(ServeError::Runtime)?;
        let result = LocalSet::new().block_on(&runtime, self.serve());
        // A handler may still be at work on a blocking thread; it is not waited for.
        runtime.shutdown_background();
        result
    }

    async fn serve(self) -> Result<(), ServeError> {
        let stopped = self.stopper.subscribe();
        let connections = Rc::new(Connections::new(
            self.limits,
            self.handler,
            stopped.clone(),
            self.stopper.clone(),
        ));
        let mut acceptors = Vec::new();
        for listener in self.listeners {
            let listener =
                tokio::net::TcpListener::from_std(listener).map_err(ServeError::Runtime)?;
            let connections = Rc::clone(&connections);
            acceptors.push(tokio::task::spawn_local(Self::accept(listener, connections)));
        }
        Self::housekeep_until_stopped(connections.handler(), stopped).await;
        for acceptor in &acceptors {
            acceptor.abort(); // drops the listener: new connections are refused
        }
        connections.wait_until_closed().await;
        Ok(())
    }

    async fn housekeep_until_stopped(handler: &H, mut stopped: watch::Receiver<bool>) {
        let mut interval = tokio::time::interval(Self::HOUSEKEEPING_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // An error would mean that the sender is gone, which `connections` holds.
                _ = stopped.wait_for(|stop| *stop) => return,
                _ = interval.tick() => handler.housekeep(),
            }
        }
    }

    async fn accept(listener: tokio::net::TcpListener, connections: Rc<Connections<H>>) {
        let slots: Arc<Semaphore> = connections.slots();
        while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let connections = Rc::clone(&connections);
                    tokio::task::spawn_local(async move {
                        connections.serve(stream, peer).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    log::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(Self::ACCEPT_RETRY_DELAY).await;
                }
            }
        }
    }
}

/// Binds one address. Without a host it is `[::]`, which takes IPv4 as well, or `0.0.0.0` where there is no IPv6.
fn bind(address: &str) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = if address.starts_with(':') {
        TcpListener::bind(format!("[::]{address}"))
            .or_else(|_| TcpListener::bind(format!("0.0.0.0{address}")))?
    } else {
        TcpListener::bind(address)?
    };
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}
