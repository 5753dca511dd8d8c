//! The answer of a gateway: how its body is read, and what the body must look like.

use std::io::{self, Read};
use std::time::SystemTime;

use crate::error::{Cause, is_html};
use crate::http::HttpFailureKind;

/// How much is read of the answer to a successful push, in bytes. A Pushgateway answers without a
/// body.
pub(crate) const ACKNOWLEDGEMENT_BYTES_MAX: usize = 4096;

/// A successful answer.
#[derive(Debug)]
pub(crate) struct GatewayAnswer<T> {
    pub(crate) value: T,
    pub(crate) status: u16,
    /// The gateway's clock in whole seconds (the header `Date`), at some moment between `asked_at` and
    /// `answered_at`; `None` when the answer has no such header.
    pub(crate) date: Option<SystemTime>,
    /// When the request was made, by the clock of this machine.
    pub(crate) asked_at: SystemTime,
    /// When the head of the answer arrived, by the clock of this machine.
    pub(crate) answered_at: SystemTime,
}

/// Reads the body of a successful answer.
pub(crate) type ReadAnswer<'a, T> = &'a dyn Fn(&mut dyn Read) -> Result<T, ReadError>;

/// Why the body of a successful answer cannot be used.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The connection failed before the body was complete.
    Io(io::Error),
    /// The body arrived, and is not what a gateway sends.
    Other(HttpFailureKind, Cause),
}

/// Reads the answer to a push, an add, a delete or a readiness check, whose content does not matter.
///
/// An answer that breaks off does not acknowledge: the push is repeated, which is harmless. An answer
/// that is longer than [`ACKNOWLEDGEMENT_BYTES_MAX`] or is an HTML page is not a gateway's.
pub(crate) fn read_acknowledgement(body: &mut dyn Read) -> Result<(), ReadError> {
    let (bytes, cut) = read_capped(body, ACKNOWLEDGEMENT_BYTES_MAX).map_err(ReadError::Io)?;
    match (is_html(&bytes), cut) {
        (true, _) => Err(not_a_gateway(
            "the answer is an HTML page; a Pushgateway answers a push without a body",
        )),
        (false, true) => Err(not_a_gateway(&format!(
            "the answer has more than {ACKNOWLEDGEMENT_BYTES_MAX} bytes; a Pushgateway answers a push without a body"
        ))),
        (false, false) => Ok(()),
    }
}

/// Reads the metrics that a gateway exposes, up to `max` bytes.
pub(crate) fn read_exposition(body: &mut dyn Read, max: usize) -> Result<Vec<u8>, ReadError> {
    let (bytes, cut) = read_capped(body, max).map_err(ReadError::Io)?;
    if cut {
        let text = format!("the answer has more than {max} bytes (`answer_bytes_max`)");
        return Err(ReadError::Other(HttpFailureKind::TooLarge, Cause::Text(text)));
    }
    if is_html(&bytes) {
        return Err(not_a_gateway("the answer is an HTML page"));
    }
    Ok(bytes)
}

/// An error for an answer that no gateway gives.
pub(crate) fn not_a_gateway(text: &str) -> ReadError {
    ReadError::Other(HttpFailureKind::Garbled, Cause::text(text))
}

/// Reads up to `max` bytes. Returns them, and whether there were more.
pub(crate) fn read_capped(body: &mut dyn Read, max: usize) -> io::Result<(Vec<u8>, bool)> {
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    body.take(limit).read_to_end(&mut bytes)?;
    let cut = bytes.len() > max;
    bytes.truncate(max);
    Ok((bytes, cut))
}
