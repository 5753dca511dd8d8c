//! URL paths: cleaning, percent-encoding, and the labels of a group in them.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use prompush_core::{PathError, percent_decode};

use crate::group_labels::GroupLabels;

/// The bytes that Go's `net/url` encodes in a path. Non-ASCII bytes are always encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

/// Percent-encodes a path, as Go's `net/url` does.
pub(crate) fn percent_encode(path: &[u8]) -> String {
    percent_encoding::percent_encode(path, ENCODED).to_string()
}

/// Removes empty segments, `.` and `..` from a decoded path. A slash at the end stays.
pub(crate) fn clean_path(path: &[u8]) -> Vec<u8> {
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let mut cleaned = vec![b'/'];
    cleaned.extend_from_slice(&segments.join(&b'/'));
    if path.last() == Some(&b'/') && cleaned.len() > 1 {
        cleaned.push(b'/');
    }
    cleaned
}

/// The labels of the group in a path as sent. The caller has seen that the decoded path begins with `/metrics/job`.
///
/// # Errors
///
/// If a label name or value in the path is invalid.
pub(crate) fn group_labels(path: &str) -> Result<GroupLabels, PathError> {
    let after_metrics = if let Some(rest) = path.strip_prefix("/metrics") {
        Cow::Borrowed(rest)
    } else {
        // The client has percent-encoded some letter of `/metrics`, so the path is decoded, cut and encoded again.
        let decoded = percent_decode(path).unwrap_or_default();
        Cow::Owned(percent_encode(decoded.strip_prefix(b"/metrics").unwrap_or_default()))
    };
    prompush_core::decode_path(&after_metrics).map(GroupLabels::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned() {
        let check = |path: &str, expected: &str| {
            assert_eq!(clean_path(path.as_bytes()), expected.as_bytes(), "{path}");
        };
        check("/", "/");
        check("//", "/");
        check("/a//b", "/a/b");
        check("/a/./b/", "/a/b/");
        check("/a/b/..", "/a");
        check("/a/b/../", "/a/");
        check("/../../a", "/a");
        check("/a/...", "/a/...");
    }

    #[test]
    fn every_byte_survives_encoding() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(percent_decode(&percent_encode(&bytes)), Some(bytes));
    }
}
