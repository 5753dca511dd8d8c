//! Reading a body within its limits.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use tokio::time::timeout;

use crate::limits::Limits;
use crate::message::Response;

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyFault {
    /// The connection ended, or the framing is wrong.
    Truncated,
    /// It is larger than [`Limits::body_bytes_max`].
    TooLarge,
    /// Nothing came for [`Limits::body_idle_timeout`], or the end not within [`Limits::body_timeout`].
    TooSlow,
    /// All bodies together are larger than [`Limits::bodies_bytes_max`].
    NoRoom,
}

impl BodyFault {
    /// The answer; the connection is of no more use.
    pub(super) fn response(self) -> Response {
        let (status, message) = match self {
            Self::Truncated => (400, "unexpected EOF"),
            Self::TooLarge => (413, "request body too large"),
            Self::TooSlow => (408, "request body came too slowly"),
            Self::NoRoom => (503, "too many request bodies in work"),
        };
        let response = Response::error(status, message).closing();
        if self == Self::NoRoom { response.header("Retry-After", "1") } else { response }
    }
}

/// The bytes that the bodies in work may still take.
#[derive(Debug)]
pub(super) struct Room(Cell<usize>);

impl Room {
    pub(super) fn new(bytes: usize) -> Rc<Self> {
        Rc::new(Self(Cell::new(bytes)))
    }
}

/// A part of the room, given back on drop.
#[derive(Debug)]
pub(super) struct Share {
    room: Rc<Room>,
    bytes: usize,
}

impl Share {
    fn grow(&mut self, bytes: usize) -> Result<(), BodyFault> {
        let left = self.room.0.get().checked_sub(bytes).ok_or(BodyFault::NoRoom)?;
        self.room.0.set(left);
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.0.set(self.room.0.get() + self.bytes);
    }
}

/// Reads a body to its end. The share is to be kept as long as the body.
pub(super) async fn collect(
    mut body: Incoming,
    limits: &Limits,
    room: &Rc<Room>,
) -> Result<(Bytes, Share), BodyFault> {
    let mut share = Share { room: Rc::clone(room), bytes: 0 };
    if body.is_end_stream() {
        return Ok((Bytes::new(), share));
    }
    // A body that is said to be too large is refused before a client that waits for `100 Continue` sends it.
    if body.size_hint().lower() > u64::try_from(limits.body_bytes_max).unwrap_or(u64::MAX) {
        return Err(BodyFault::TooLarge);
    }
    let collected =
        timeout(limits.body_timeout, collect_pieces(&mut body, limits, &mut share)).await;
    match collected.unwrap_or(Err(BodyFault::TooSlow)) {
        Ok(bytes) => Ok((bytes, share)),
        Err(BodyFault::TooLarge) => {
            discard(&mut body, limits).await;
            Err(BodyFault::TooLarge)
        }
        Err(fault) => Err(fault),
    }
}

/// Bytes for which room is made because a client says that they come; for more, when they are there.
const ANNOUNCED_BYTES_MAX: usize = 1 << 20;

async fn collect_pieces(
    body: &mut Incoming,
    limits: &Limits,
    share: &mut Share,
) -> Result<Bytes, BodyFault> {
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while let Some(piece) = next_piece(body, limits.body_idle_timeout).await? {
        if first.len() + all.len() + piece.len() > limits.body_bytes_max {
            return Err(BodyFault::TooLarge);
        }
        share.grow(piece.len())?;
        if first.is_empty() && all.is_empty() {
            first = piece; // most bodies are one piece, which is not copied
            continue;
        }
        if all.is_empty() {
            let announced = usize::try_from(body.size_hint().lower()).unwrap_or(0);
            all.reserve(first.len() + piece.len() + announced.min(ANNOUNCED_BYTES_MAX));
            all.extend_from_slice(&first);
            first = Bytes::new();
        }
        all.extend_from_slice(&piece);
    }
    Ok(if all.is_empty() { first } else { Bytes::from(all) })
}

/// Reads on for a while, so that a client which is still sending gets to see the answer.
async fn discard(body: &mut Incoming, limits: &Limits) {
    let read_on = async {
        let mut bytes = 0;
        while bytes <= limits.body_bytes_max {
            match next_piece(body, limits.body_idle_timeout).await {
                Ok(Some(piece)) => bytes += piece.len(),
                Ok(None) | Err(_) => return,
            }
        }
    };
    if timeout(limits.body_idle_timeout, read_on).await.is_err() {
        log::debug!("a client went on sending a body that is too large");
    }
}

async fn next_piece(body: &mut Incoming, idle: Duration) -> Result<Option<Bytes>, BodyFault> {
    loop {
        match timeout(idle, body.frame()).await {
            Err(_) => return Err(BodyFault::TooSlow),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(BodyFault::Truncated),
            Ok(Some(Ok(frame))) => {
                // Trailers are not data.
                if let Ok(piece) = frame.into_data() {
                    return Ok(Some(piece));
                }
            }
        }
    }
}
