//! The entry points of the parsers.
//!
//! All parsers borrow from the body, take linear time, and never panic. The parser of text 0.0.4
//! takes the bodies that Pushgateway 1.11 takes and refuses the ones that it refuses, with two
//! exceptions. First, a line that begins with `{` must hold the metric's name. Second, bytes that are
//! not UTF-8 are replaced where they stand outside of label values; the Pushgateway keeps them.

use crate::error::{ParseError, ParseErrorKind};
use crate::exposition::{Exposition, Format, openmetrics, protobuf, text};

/// Parses `body`, up to the first error.
///
/// ```
/// use prompush_core::{Format, MetricType, parse};
///
/// let body = b"# TYPE rows_total counter\nrows_total 5\n";
/// let exposition = parse(body, Format::Text)?;
/// assert_eq!(exposition.families[0].metric_type, MetricType::Counter);
///
/// let error = parse(b"rows_total five\n", Format::Text).unwrap_err();
/// assert_eq!(error.to_string(), "line 1, column 12: expected float as value, got \"five\"");
/// # Ok::<(), prompush_core::ParseError>(())
/// ```
///
/// # Errors
/// [`ParseError`] for the first place in the body that the format does not allow. For
/// [`Format::Protobuf`] see [`protobuf::decode`].
pub fn parse(body: &[u8], format: Format) -> Result<Exposition<'_>, ParseError> {
    let mut first = None;
    let exposition = run(body, format, &mut |error| {
        first = Some(error);
        false
    });
    match first {
        Some(error) => Err(error),
        None => Ok(exposition),
    }
}

/// Parses all of `body`. After an error, goes on with the next line.
///
/// The exposition holds every line without an error. The list holds the errors in the order of the
/// body. Parsing stops after 100 errors.
pub fn parse_all(body: &[u8], format: Format) -> (Exposition<'_>, Vec<ParseError>) {
    const ERRORS_MAX: usize = 100;
    let mut errors = Vec::new();
    let exposition = run(body, format, &mut |error| {
        errors.push(error);
        errors.len() < ERRORS_MAX
    });
    (exposition, errors)
}

fn run<'a>(
    body: &'a [u8],
    format: Format,
    on_error: &mut dyn FnMut(ParseError) -> bool,
) -> Exposition<'a> {
    match format {
        Format::Text => text::parser::parse(body, on_error),
        Format::OpenMetrics => openmetrics::parser::parse(body, on_error),
        Format::Protobuf => protobuf::decode(body).unwrap_or_else(|error| {
            // To a reader of errors the body is one line. Nothing behind an error can be decoded.
            let (line, column, width) = (1, error.offset + 1, 1);
            let kind = ParseErrorKind::Protobuf(error);
            on_error(ParseError { line, column, width, kind });
            Exposition::default()
        }),
    }
}
