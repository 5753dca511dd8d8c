//! The parser of the exposition formats: text 0.0.4 as a Pushgateway reads it, and OpenMetrics
//! 1.0.
//!
//! It borrows from the body, takes linear time, and never panics. Text 0.0.4 is decided as
//! Pushgateway 1.11 decides it, so that what it takes is taken and what it refuses is refused
//! before the network; the two differences are that a line which begins with `{` must hold the
//! metric's name, and that text outside label values which is not UTF-8 is replaced, not kept.

use crate::error::{ParseError, ParseErrorKind};
use crate::exposition::format::Format;
use crate::exposition::metric_family::Exposition;
use crate::exposition::recovery::Recovery;
use crate::exposition::{openmetrics, protobuf, text};

/// Parses `body`, up to the first error; [`protobuf::decode`] where it is protobuf.
///
/// # Errors
/// The first thing in the body that the format does not allow, with its line and column.
pub fn parse(body: &[u8], format: Format) -> Result<Exposition<'_>, ParseError> {
    let mut first = None;
    let exposition = run(body, format, &mut |error| {
        first = Some(error);
        Recovery::Stop
    });
    match first {
        Some(error) => Err(error),
        None => Ok(exposition),
    }
}

/// Parses all of `body`: after an error it goes on with the next line.
///
/// The exposition holds what could be read; at most 100 errors are kept.
pub fn parse_all(body: &[u8], format: Format) -> (Exposition<'_>, Vec<ParseError>) {
    const ERRORS_MAX: usize = 100;
    let mut errors = Vec::new();
    let exposition = run(body, format, &mut |error| {
        errors.push(error);
        if errors.len() < ERRORS_MAX { Recovery::NextLine } else { Recovery::Stop }
    });
    (exposition, errors)
}

fn run<'a>(
    body: &'a [u8],
    format: Format,
    on_error: &mut dyn FnMut(ParseError) -> Recovery,
) -> Exposition<'a> {
    match format {
        Format::Text => text::parser::parse(body, on_error),
        Format::OpenMetrics => openmetrics::parser::parse(body, on_error),
        Format::Protobuf => protobuf::decode(body).unwrap_or_else(|error| {
            // All of it is one line, and nothing behind an error can be read.
            let (line, column, width) = (1, error.offset + 1, 1);
            let kind = ParseErrorKind::Protobuf(error);
            on_error(ParseError { line, column, width, kind });
            Exposition::default()
        }),
    }
}
