//! The errors of decoding, rules and scraped bodies.

/// A body that is not an OTLP export of metrics.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The `Content-Encoding` is unknown.
    #[error(
        "content encoding `{}` is not supported: `gzip` and `deflate` are",
        encoding.escape_debug()
    )]
    ContentEncoding {
        /// The encoding that the request named.
        encoding: String,
    },
    /// The body has more bytes than allowed, as sent or decompressed.
    #[error("the body has more than {bytes_max} bytes")]
    TooLarge {
        /// The limit, in bytes.
        bytes_max: usize,
    },
    /// The body cannot be decompressed.
    #[error("the body is not what its content encoding `{encoding}` says")]
    Decompress {
        /// The content encoding.
        encoding: &'static str,
        /// What the decompressor reported.
        #[source]
        source: std::io::Error,
    },
    /// The body is not the protobuf of an `ExportMetricsServiceRequest`.
    #[error("the body is no `ExportMetricsServiceRequest`: {reason}")]
    Protobuf {
        /// What is wrong.
        reason: &'static str,
    },
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
    /// What could stand there.
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
    Unreadable {
        /// The first thing that is wrong.
        #[source]
        source: Box<prompush::ParseError>,
    },
}
