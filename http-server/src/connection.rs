//! One connection: requests in, answers out.

use std::cell::Cell;
use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{StatusCode, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};

use crate::collect::{Room, collect};
use crate::handler::Handler;
use crate::limits::Limits;
use crate::message::{Request, Response};
use crate::peer::{Connection, canonical};
use crate::stopper::Stopper;
use crate::stream::{ClientStream, HeadTap, head_has_content_length};

/// Bodies larger than this, in bytes, are handled or compressed on a blocking thread,
/// so that others need not wait for them.
const INLINE_BYTES_MAX: usize = 256 << 10;

/// What all connections of a host share.
pub(super) struct Connections<H> {
    limits: Limits,
    handler: Arc<H>,
    slots: Arc<Semaphore>,
    room: Rc<Room>,
    stopped: watch::Receiver<bool>,
    stopper: Stopper,
    /// The number of the next connection.
    next: Cell<u64>,
}

impl<H: Handler> Connections<H> {
    pub(super) fn new(
        limits: Limits,
        handler: Arc<H>,
        stopped: watch::Receiver<bool>,
        stopper: Stopper,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(Self::slots_max(&limits)));
        let room = Room::new(limits.bodies_bytes_max);
        Self { limits, handler, slots, room, stopped, stopper, next: Cell::new(0) }
    }

    pub(super) fn handler(&self) -> &H {
        &self.handler
    }

    /// One permit for each connection that may be open.
    pub(super) fn slots(&self) -> Arc<Semaphore> {
        Arc::clone(&self.slots)
    }

    /// At least one, or nobody could be served.
    fn slots_max(limits: &Limits) -> usize {
        limits.connections_max.clamp(1, Semaphore::MAX_PERMITS)
    }

    /// Waits until every connection is closed, or for [`Limits::stop_timeout`].
    pub(super) async fn wait_until_closed(&self) {
        let all = u32::try_from(Self::slots_max(&self.limits)).unwrap_or(u32::MAX);
        let closed = tokio::time::timeout(self.limits.stop_timeout, self.slots.acquire_many(all));
        if closed.await.is_err() {
            log::warn!("stopped while connections were still open");
        }
    }

    /// Serves a connection to its end.
    pub(super) async fn serve(self: Rc<Self>, stream: TcpStream, peer: SocketAddr) {
        if let Err(error) = stream.set_nodelay(true) {
            log::debug!("cannot switch off delays to {peer}: {error}");
        }
        let connection = self.register(&stream, peer);
        self.handler.connected(&connection);
        self.converse(stream, connection).await;
        self.handler.disconnected(&connection);
    }

    fn register(&self, stream: &TcpStream, peer: SocketAddr) -> Connection {
        let id = self.next.replace(self.next.get().wrapping_add(1));
        // It fails only on a connection that is gone already, on which no request will be read.
        let local = stream.local_addr().unwrap_or(peer);
        Connection { id, peer: canonical(peer), local: canonical(local) }
    }

    async fn converse(self: &Rc<Self>, stream: TcpStream, client: Connection) {
        let tap = HeadTap::new(self.limits.header_bytes_max);
        let stream = ClientStream::new(stream, Rc::clone(&tap), self.limits.write_idle_timeout);
        let service = service_fn(|request| {
            let (host, tap) = (Rc::clone(self), Rc::clone(&tap));
            async move { Ok::<_, Infallible>(host.answer(request, client, &tap).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout)
            .max_headers(self.limits.headers_max)
            .max_buf_size(self.limits.header_bytes_max.max(8192))
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let mut stopped = self.stopped.clone();
        let served = tokio::select! {
            served = connection.as_mut() => served,
            _ = stopped.wait_for(|stop| *stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = served {
            log::debug!("connection of {} ended: {error}", client.peer());
        }
    }

    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
        client: Connection,
        tap: &HeadTap,
    ) -> hyper::Response<Full<Bytes>> {
        let head = tap.take();
        let response = self.respond(request, client, &head).await;
        tap.record();
        if response.stop {
            self.stopper.stop();
        }
        write_response(response).await
    }

    async fn respond(
        &self,
        request: hyper::Request<Incoming>,
        client: Connection,
        head: &[u8],
    ) -> Response {
        let (parts, body) = request.into_parts();
        let has_host = parts.headers.contains_key(header::HOST);
        if parts.version == Version::HTTP_11 && !has_host {
            let message = "400 Bad Request: missing required Host header";
            return Response::text(400, message).closing();
        }
        if parts.headers.contains_key(header::TRANSFER_ENCODING)
            && head_has_content_length(head, parts.method.as_str())
        {
            let message = "a request must not have both Content-Length and Transfer-Encoding";
            return Response::error(400, message).closing();
        }
        // The HTTP library drops what stands behind it: a push would go to another group.
        if head.split(|byte| *byte == b'\n').next().is_some_and(|line| line.contains(&b'#')) {
            return Response::error(400, "a `#` in a path has to be percent-encoded").closing();
        }
        let (body, share) = match collect(body, &self.limits, &self.room).await {
            Ok(collected) => collected,
            Err(fault) => return fault.response(),
        };
        let request = Request::new(parts, body, client);
        let response = self.handle(request).await;
        drop(share);
        response
    }

    async fn handle(&self, request: Request) -> Response {
        // A small body may be a large one, compressed.
        let is_plain = request.header("content-encoding").is_none();
        if is_plain && request.body().len() <= INLINE_BYTES_MAX {
            return self.handler.handle(&request);
        }
        let handler = Arc::clone(&self.handler);
        let handled = tokio::task::spawn_blocking(move || handler.handle(&request));
        handled.await.unwrap_or_else(|error| {
            log::error!("a request could not be handled: {error}");
            Response::error(500, "internal error").closing()
        })
    }
}

async fn write_response(mut response: Response) -> hyper::Response<Full<Bytes>> {
    if response.gzip {
        response = compress(response).await;
    }
    let mut written = hyper::Response::new(Full::new(Bytes::from(response.body)));
    // Whether a status or value is allowed is decided where it is written down, not by a client.
    *written.status_mut() =
        StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            // Our header names are written in capitals for the reader; on the wire they have no case.
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                written.headers_mut().append(name, value);
            }
        }
    }
    if response.close || response.stop {
        written.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    written
}

async fn compress(mut response: Response) -> Response {
    let body = std::mem::take(&mut response.body);
    let compressed = if body.len() <= INLINE_BYTES_MAX {
        gzip(&body)
    } else {
        tokio::task::spawn_blocking(move || gzip(&body)).await.unwrap_or_else(|error| {
            log::error!("an answer could not be compressed: {error}");
            Err(std::io::ErrorKind::Other.into())
        })
    };
    match compressed {
        Ok(compressed) => {
            response.body = compressed;
            response.header("Content-Encoding", "gzip").header("Vary", "Accept-Encoding")
        }
        Err(_) => Response::error(500, "internal error").closing(),
    }
}

fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}
