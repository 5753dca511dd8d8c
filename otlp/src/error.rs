//! The errors of decoding, rules and scraped bodies.

/// A body that is not the protobuf of an `ExportMetricsServiceRequest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is no `ExportMetricsServiceRequest`: {reason}")]
pub struct DecodeError {
    /// The fault of the body, in words.
    pub reason: &'static str,
}

/// A line that is not a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: found {}, expected {expected}", found_text(found.as_deref()))]
pub struct RulesError {
    /// The line, counted from 1.
    pub line: usize,
    /// The column of the wrong word, counted from 1, in characters.
    pub column: usize,
    /// The wrong word; `None` when the line ends too early.
    pub found: Option<String>,
    /// The words that could stand there.
    pub expected: &'static str,
}

fn found_text(found: Option<&str>) -> String {
    match found {
        Some(found) => format!("`{}`", found.escape_debug()),
        None => "the end of the line".to_owned(),
    }
}

/// A scraped body that is not an exposition.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScrapeError {
    /// The body is a web page.
    #[error("the body is a web page, not metrics")]
    WebPage,
    /// No line of the body can be read as metrics.
    #[error("nothing in the body can be read as metrics")]
    Unreadable(
        /// The first thing that is wrong.
        #[source]
        Box<prompush::ParseError>,
    ),
}
