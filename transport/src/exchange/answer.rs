//! A gateway's answer: what is read of it, and what it must look like.

use std::io::{self, Read};
use std::time::SystemTime;

use crate::error::cause::Cause;
use crate::error::html_page::is_html;
use crate::http::failure::HttpFailureKind;

/// Most of a successful answer to a push that is read: it should be empty.
pub(crate) const ACKNOWLEDGEMENT_BYTES_MAX: usize = 4096;

/// What came of a successful answer.
#[derive(Debug)]
pub(crate) struct GatewayAnswer<T> {
    pub(crate) value: T,
    pub(crate) status: u16,
    /// The time by the other side's clock, in whole seconds, where it says it: some moment between
    /// the next two.
    pub(crate) date: Option<SystemTime>,
    /// When it was asked, by our clock.
    pub(crate) asked_at: SystemTime,
    /// When its answer began, by our clock.
    pub(crate) heard_at: SystemTime,
}

/// Makes something of a successful answer's body.
pub(crate) type ReadAnswer<'a, T> = &'a dyn Fn(&mut dyn Read) -> Result<T, ReadError>;

/// Why nothing could be made of a successful answer.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The rest did not arrive.
    Io(io::Error),
    /// It arrived and is not what was asked for.
    Other(HttpFailureKind, Cause),
}

/// For answers that say nothing: a push, add, delete, or readiness.
///
/// An acknowledgement that stops in the middle is none; the push is repeated, which is harmless. One
/// that does not stop is none of a gateway.
pub(crate) fn read_acknowledgement(body: &mut dyn Read) -> Result<(), ReadError> {
    let (bytes, cut) = read_capped(body, ACKNOWLEDGEMENT_BYTES_MAX).map_err(ReadError::Io)?;
    match (is_html(&bytes), cut) {
        (true, _) => Err(not_a_gateway("it is an HTML page; a push is answered without a body")),
        (false, true) => Err(not_a_gateway(&format!(
            "it has more than {ACKNOWLEDGEMENT_BYTES_MAX} bytes; a push is answered without a body"
        ))),
        (false, false) => Ok(()),
    }
}

/// Reads what a gateway exposes, up to `max` bytes.
pub(crate) fn read_exposition(body: &mut dyn Read, max: usize) -> Result<Vec<u8>, ReadError> {
    let (bytes, cut) = read_capped(body, max).map_err(ReadError::Io)?;
    if cut {
        let text = format!("the answer has more than {max} bytes (`answer_bytes_max`)");
        return Err(ReadError::Other(HttpFailureKind::TooLarge, Cause::Text(text)));
    }
    if is_html(&bytes) {
        return Err(not_a_gateway("it is an HTML page"));
    }
    Ok(bytes)
}

pub(crate) fn not_a_gateway(text: &str) -> ReadError {
    ReadError::Other(HttpFailureKind::Garbled, Cause::text(text))
}

/// Up to `max` bytes, and whether there were more.
pub(crate) fn read_capped(body: &mut dyn Read, max: usize) -> io::Result<(Vec<u8>, bool)> {
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    body.take(limit).read_to_end(&mut bytes)?;
    let cut = bytes.len() > max;
    bytes.truncate(max);
    Ok((bytes, cut))
}
