//! Serves the requests of each connection.

use std::cell::Cell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::body::read_body;
use crate::body_budget::BodyBudget;
use crate::client_stream::ClientStream;
use crate::connection::Connection;
use crate::handler::Handler;
use crate::head_recorder::HeadRecorder;
use crate::limits::Limits;
use crate::request::Request;
use crate::request_head;
use crate::response::Response;
use crate::response_writer::write_response;
use crate::shutdown_handle::ShutdownHandle;

/// The largest body, in bytes, of a request that is handled on the server's own thread. A request with a larger body
/// is handled on a blocking thread, so that other connections need not wait.
const INLINE_BYTES_MAX: usize = 256 << 10;

/// The smallest buffer, in bytes, that hyper accepts. hyper panics if the buffer is smaller.
const HYPER_BUFFER_BYTES_MIN: usize = 8192;

/// Serves connections. It holds the state that all connections of a server share.
pub(crate) struct ConnectionServer<H> {
    limits: Limits,
    handler: Arc<H>,
    /// Has one permit for each connection that may be open.
    connection_permits: Arc<Semaphore>,
    body_budget: Rc<BodyBudget>,
    shutdown: ShutdownHandle,
    shutdown_requested: watch::Receiver<bool>,
    next_connection_id: Cell<u64>,
}

impl<H: Handler> ConnectionServer<H> {
    pub(crate) fn new(limits: Limits, handler: Arc<H>, shutdown: ShutdownHandle) -> Self {
        let connection_permits = Arc::new(Semaphore::new(connections_max(&limits)));
        let body_budget = BodyBudget::new(limits.bodies_bytes_max);
        let shutdown_requested = shutdown.subscribe();
        let next_connection_id = Cell::new(0);
        Self {
            limits,
            handler,
            connection_permits,
            body_budget,
            shutdown,
            shutdown_requested,
            next_connection_id,
        }
    }

    pub(crate) fn handler(&self) -> &H {
        &self.handler
    }

    /// Waits until the server may open another connection. The connection counts as open as long as the permit exists.
    pub(crate) async fn connection_permit(&self) -> Option<OwnedSemaphorePermit> {
        // `acquire_owned` fails only on a closed semaphore, and nothing closes this one.
        Arc::clone(&self.connection_permits).acquire_owned().await.ok()
    }

    /// Waits until every connection is closed, but no longer than [`Limits::shutdown_timeout`].
    pub(crate) async fn wait_until_closed(&self) {
        let all = u32::try_from(connections_max(&self.limits)).unwrap_or(u32::MAX);
        let closed = self.connection_permits.acquire_many(all);
        if tokio::time::timeout(self.limits.shutdown_timeout, closed).await.is_err() {
            log::warn!("the server shut down while connections were still open");
        }
    }

    /// Serves a connection until it ends.
    pub(crate) async fn serve(self: Rc<Self>, stream: TcpStream, peer: SocketAddr) {
        if let Err(error) = stream.set_nodelay(true) {
            log::debug!("cannot set TCP_NODELAY on the connection of {peer}: {error}");
        }
        let connection = self.new_connection(&stream, peer);
        self.handler.connected(&connection);
        self.serve_requests(stream, connection).await;
        self.handler.disconnected(&connection);
    }

    fn new_connection(&self, stream: &TcpStream, peer: SocketAddr) -> Connection {
        let id = self.next_connection_id.get();
        self.next_connection_id.set(id.wrapping_add(1));
        // `local_addr` fails only if the connection has already ended. Then no request is read, and the fallback
        // is never seen.
        let local = stream.local_addr().unwrap_or(peer);
        Connection::new(id, peer, local)
    }

    async fn serve_requests(self: &Rc<Self>, stream: TcpStream, connection: Connection) {
        let recorder = HeadRecorder::new(self.limits.header_bytes_max);
        let stream =
            ClientStream::new(stream, Rc::clone(&recorder), self.limits.write_idle_timeout);
        let service = service_fn(|request| {
            let (server, recorder) = (Rc::clone(self), Rc::clone(&recorder));
            async move { Ok::<_, Infallible>(server.answer(request, connection, &recorder).await) }
        });
        let serving = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout)
            .max_headers(self.limits.headers_max)
            .max_buf_size(self.limits.header_bytes_max.max(HYPER_BUFFER_BYTES_MIN))
            // A client may close its sending side and then still read the response.
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service);
        let mut serving = std::pin::pin!(serving);
        let mut shutdown_requested = self.shutdown_requested.clone();
        let served = tokio::select! {
            served = serving.as_mut() => served,
            _ = shutdown_requested.wait_for(|requested| *requested) => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = served {
            log::debug!("the connection of {} ended: {error}", connection.peer());
        }
    }

    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
        connection: Connection,
        recorder: &HeadRecorder,
    ) -> hyper::Response<Full<Bytes>> {
        let recorded = recorder.stop();
        let response = self.respond(request, connection, &recorded).await;
        recorder.start();
        if response.shutdown {
            self.shutdown.shutdown();
        }
        write_response(response).await
    }

    async fn respond(
        &self,
        request: hyper::Request<Incoming>,
        connection: Connection,
        recorded: &[u8],
    ) -> Response {
        let (parts, body) = request.into_parts();
        if let Some(refusal) = request_head::refuse(&parts, recorded) {
            return refusal;
        }
        match read_body(body, &self.limits, &self.body_budget).await {
            Ok((body, reservation)) => {
                let response = self.handle(Request::new(parts, body, connection)).await;
                drop(reservation);
                response
            }
            Err(error) => error.response(),
        }
    }

    async fn handle(&self, request: Request) -> Response {
        // A small compressed body can be large after decompression, so its size is not compared.
        let is_compressed = request.header("content-encoding").is_some();
        if !is_compressed && request.body().len() <= INLINE_BYTES_MAX {
            return self.handler.handle(&request);
        }
        let handler = Arc::clone(&self.handler);
        let handled = tokio::task::spawn_blocking(move || handler.handle(&request)).await;
        handled.unwrap_or_else(|error| {
            log::error!("cannot handle a request: {error}");
            Response::error(500, "internal error").closing()
        })
    }
}

/// The number of connections that may be open; at least 1, because otherwise no client could be served.
fn connections_max(limits: &Limits) -> usize {
    limits.connections_max.clamp(1, Semaphore::MAX_PERMITS)
}
