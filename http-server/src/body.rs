//! Reads a request body within the server's limits.

use std::rc::Rc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use tokio::time::timeout;

use crate::body_budget::{BodyBudget, BodyReservation};
use crate::limits::Limits;
use crate::response::Response;

/// The reason why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyReadError {
    /// The connection ended before the body did, or the chunked encoding is malformed.
    Truncated,
    /// The body is larger than [`Limits::body_bytes_max`].
    TooLarge,
    /// No piece arrived for [`Limits::body_idle_timeout`], or the body took longer than [`Limits::body_timeout`].
    TooSlow,
    /// All bodies together would be larger than [`Limits::bodies_bytes_max`].
    BudgetExceeded,
}

impl BodyReadError {
    /// The response to the request. The server closes the connection after this response, because the rest of the body
    /// may still arrive.
    pub(crate) fn response(self) -> Response {
        let (status, message) = match self {
            Self::Truncated => (400, "unexpected EOF"),
            Self::TooLarge => (413, "request body too large"),
            Self::TooSlow => (408, "request body arrived too slowly"),
            Self::BudgetExceeded => (503, "request bodies take too much memory"),
        };
        let response = Response::error(status, message).closing();
        if self == Self::BudgetExceeded { response.header("Retry-After", "1") } else { response }
    }
}

/// Reads a body to its end. The caller must keep the reservation for as long as the caller keeps the bytes.
pub(crate) async fn read_body(
    mut body: Incoming,
    limits: &Limits,
    budget: &Rc<BodyBudget>,
) -> Result<(Bytes, BodyReservation), BodyReadError> {
    let mut reservation = budget.reservation();
    if body.is_end_stream() {
        return Ok((Bytes::new(), reservation));
    }
    // A client that sent `Expect: 100-continue` is refused here before it sends the body.
    if body.size_hint().lower() > u64::try_from(limits.body_bytes_max).unwrap_or(u64::MAX) {
        return Err(BodyReadError::TooLarge);
    }
    let read = timeout(limits.body_timeout, read_pieces(&mut body, limits, &mut reservation)).await;
    match read.unwrap_or(Err(BodyReadError::TooSlow)) {
        Ok(bytes) => Ok((bytes, reservation)),
        Err(BodyReadError::TooLarge) => {
            discard(&mut body, limits).await;
            Err(BodyReadError::TooLarge)
        }
        Err(error) => Err(error),
    }
}

/// Upper limit on the bytes that are allocated because of a `Content-Length` header. More is allocated only for bytes
/// that have arrived, so that a header alone cannot make the server allocate a lot.
const PREALLOCATED_BYTES_MAX: usize = 1 << 20;

async fn read_pieces(
    body: &mut Incoming,
    limits: &Limits,
    reservation: &mut BodyReservation,
) -> Result<Bytes, BodyReadError> {
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while let Some(piece) = next_piece(body, limits.body_idle_timeout).await? {
        if first.len() + all.len() + piece.len() > limits.body_bytes_max {
            return Err(BodyReadError::TooLarge);
        }
        if !reservation.grow(piece.len()) {
            return Err(BodyReadError::BudgetExceeded);
        }
        if first.is_empty() && all.is_empty() {
            first = piece; // Most bodies are one piece, which is returned without a copy.
            continue;
        }
        if all.is_empty() {
            let announced = usize::try_from(body.size_hint().lower()).unwrap_or(0);
            all.reserve(first.len() + piece.len() + announced.min(PREALLOCATED_BYTES_MAX));
            all.extend_from_slice(&first);
            first = Bytes::new();
        }
        all.extend_from_slice(&piece);
    }
    Ok(if all.is_empty() { first } else { Bytes::from(all) })
}

/// Reads the rest of a refused body for a while, and drops the bytes. A client that is still sending reads the
/// response only after it has sent its body. If the server closed the connection at once, the client would see a reset
/// instead.
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
        log::debug!("a client keeps sending a body that is too large");
    }
}

/// The next bytes of the body; `None` at its end.
async fn next_piece(
    body: &mut Incoming,
    idle_timeout: Duration,
) -> Result<Option<Bytes>, BodyReadError> {
    loop {
        match timeout(idle_timeout, body.frame()).await {
            Err(_) => return Err(BodyReadError::TooSlow),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(BodyReadError::Truncated),
            Ok(Some(Ok(frame))) => {
                // A frame without data holds trailers, which are ignored.
                if let Ok(piece) = frame.into_data() {
                    return Ok(Some(piece));
                }
            }
        }
    }
}
