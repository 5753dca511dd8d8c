//! Grouping keys, and the URL paths that name groups on a gateway.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::{GroupingKeyError, PathError};
use crate::name::{LabelName, is_label_name};

/// The end of a label name in a path whose value is encoded in base64.
const BASE64_SUFFIX: &str = "@base64";

/// The characters that are percent-encoded in a path: all but the unreserved ones of RFC 3986, section
/// 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The labels that name one group of metrics on a gateway: a job, and any further labels.
///
/// Every key is valid: the constructors refuse labels that a gateway would refuse, or that would break
/// its scrapes. An empty `instance` is left out, because a stock gateway takes a key with an empty
/// `instance` and one without it for two groups, and then fails every scrape.
///
/// ```
/// use prompush_core::GroupingKey;
///
/// let key = GroupingKey::new("nightly import")?.with("path", "/var/tmp")?;
/// assert_eq!(key.to_path(), "/metrics/job/nightly%20import/path@base64/L3Zhci90bXA=");
/// assert_eq!(GroupingKey::from_path(&key.to_path())?, key);
/// # Ok::<(), prompush_core::GroupingKeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupingKey {
    job: String,
    /// The labels without `job`. Invariant: none is called `le`, `quantile` or `__…`, and `instance` is not
    /// empty.
    labels: BTreeMap<LabelName, String>,
}

impl GroupingKey {
    /// A key with a job and no further labels.
    ///
    /// # Errors
    /// [`GroupingKeyError::EmptyJob`] if `job` is empty.
    pub fn new(job: &str) -> Result<Self, GroupingKeyError> {
        if job.is_empty() {
            return Err(GroupingKeyError::EmptyJob);
        }
        Ok(Self { job: job.to_owned(), labels: BTreeMap::new() })
    }

    /// A grouping key for checks that do not know the key of the push.
    pub(crate) fn of_any_job() -> Self {
        Self { job: "some".to_owned(), labels: BTreeMap::new() }
    }

    /// Adds a grouping label. An empty `instance` is left out.
    ///
    /// # Errors
    /// - [`GroupingKeyError::LabelName`] if `name` is not a label name, or begins with `__`.
    /// - [`GroupingKeyError::ReservedLabel`] if `name` is `le` or `quantile`.
    /// - [`GroupingKeyError::Repeated`] if the label has another value already. `job` counts as a label.
    pub fn with(mut self, name: &str, value: &str) -> Result<Self, GroupingKeyError> {
        let label = LabelName::new(name)?;
        if matches!(name, "le" | "quantile") {
            return Err(GroupingKeyError::ReservedLabel(name.to_owned()));
        }
        let first = if name == "job" { Some(&self.job) } else { self.labels.get(&label) };
        match first {
            Some(first) if first == value => {}
            Some(first) => {
                let (name, first, second) = (name.into(), first.clone(), value.into());
                return Err(GroupingKeyError::Repeated { name, first, second });
            }
            None if name == "instance" && value.is_empty() => {}
            None => {
                self.labels.insert(label, value.to_owned());
            }
        }
        Ok(self)
    }

    /// The job.
    pub fn job(&self) -> &str {
        &self.job
    }

    /// The labels without the job, sorted by name.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The URL path of the group, from `/metrics` on: first the job, then the labels sorted by name.
    ///
    /// Values are percent-encoded (RFC 3986, section 2.1). A value that is empty, is `.` or `..`, or
    /// contains `/` is encoded in base64, and its name ends in `@base64`.
    pub fn to_path(&self) -> String {
        write_path(&self.job, self.labels())
    }

    /// The key of the group with this URL path: the inverse of [`to_path`](Self::to_path). The path may
    /// begin with `/metrics` or with `/job`.
    ///
    /// # Errors
    /// [`GroupingKeyError::Path`] if a gateway would refuse the path; or an error of
    /// [`with`](Self::with).
    pub fn from_path(path: &str) -> Result<Self, GroupingKeyError> {
        let path = path.strip_prefix("/metrics").unwrap_or(path);
        let mut labels = decode_path(path)?;
        let mut key = Self::new(&labels.remove("job").unwrap_or_default())?;
        for (name, value) in labels {
            key = key.with(&name, &value)?;
        }
        Ok(key)
    }
}

impl fmt::Display for GroupingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{job={:?}", self.job)?;
        for (name, value) in self.labels() {
            write!(f, ",{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

/// The URL path of a group with any labels, from `/metrics` on.
///
/// Unlike [`GroupingKey::to_path`], this also gives a path for labels that [`GroupingKey`] refuses.
/// Another program may have pushed such a group, and its path is needed to delete it.
///
/// # Errors
/// [`GroupingKeyError::EmptyJob`] if the labels have no `job`, or an empty one.
pub fn encode_path<'a>(
    labels: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<String, GroupingKeyError> {
    let mut labels: BTreeMap<&str, &str> = labels.into_iter().collect();
    match labels.remove("job") {
        None | Some("") => Err(GroupingKeyError::EmptyJob),
        Some(job) => Ok(write_path(job, labels)),
    }
}

fn write_path<'a>(job: &'a str, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut path = String::from("/metrics");
    for (name, value) in std::iter::once(("job", job)).chain(labels) {
        path.push('/');
        path.push_str(name);
        if matches!(value, "" | "." | "..") || value.contains('/') {
            path.push_str(BASE64_SUFFIX);
            path.push('/');
            // A single `=` is the empty value. Source: the README of the Pushgateway.
            match value {
                "" => path.push('='),
                value => URL_SAFE.encode_string(value, &mut path),
            }
        } else {
            path.push('/');
            path.extend(utf8_percent_encode(value, RESERVED));
        }
    }
    path
}

/// Decodes the path of a group as a gateway does. `path` is the part behind `/metrics`.
///
/// - Percent-decoding comes first, so `%2F` separates labels, and `%40base64` is the suffix `@base64`.
/// - The last value of a repeated label wins.
/// - `/job/x/` is the same as `/job/x`.
///
/// The labels may have names and values that [`GroupingKey`] refuses.
///
/// # Errors
/// [`PathError`] if a gateway would refuse the path. Its text is the gateway's answer.
pub fn decode_path(path: &str) -> Result<BTreeMap<String, String>, PathError> {
    let bytes = percent_decode(path).ok_or_else(|| PathError::PercentEncoding(path.to_owned()))?;
    let (job_is_base64, rest) = match bytes.as_slice() {
        [b'/', b'j', b'o', b'b', b'/', rest @ ..] => (false, rest),
        bytes => match bytes.strip_prefix(b"/job@base64/") {
            Some(rest) => (true, rest),
            None => return Err(PathError::NoJob(path.to_owned())),
        },
    };
    let (job, labels) = rest.split_at(rest.iter().position(|b| *b == b'/').unwrap_or(rest.len()));
    let job = if job_is_base64 {
        base64_decode(job).map_err(PathError::JobBase64)?
    } else {
        job.to_vec()
    };
    let mut decoded = decode_labels(labels)?;
    if job.is_empty() {
        return Err(PathError::EmptyJob);
    }
    decoded.insert("job".to_owned(), utf8("job", job)?);
    Ok(decoded)
}

fn decode_labels(labels: &[u8]) -> Result<BTreeMap<String, String>, PathError> {
    let mut decoded = BTreeMap::new();
    let Some((_, labels_after_slash)) = labels.split_first() else { return Ok(decoded) };
    if labels_after_slash.is_empty() {
        return Ok(decoded);
    }
    let parts: Vec<&[u8]> = labels_after_slash.split(|byte| *byte == b'/').collect();
    if !parts.len().is_multiple_of(2) {
        return Err(PathError::OddComponents(String::from_utf8_lossy(labels).into_owned()));
    }
    for pair in parts.chunks_exact(2) {
        let (name, value) = (pair[0], pair[1]);
        let (name, is_base64) = match name.strip_suffix(BASE64_SUFFIX.as_bytes()) {
            Some(name) => (name, true),
            None => (name, false),
        };
        let name = String::from_utf8_lossy(name).into_owned();
        if !is_label_name(&name) || name.starts_with("__") {
            return Err(PathError::LabelName(name));
        }
        let value = if is_base64 {
            base64_decode(value).map_err(|reason| PathError::LabelBase64 {
                name: name.clone(),
                value: String::from_utf8_lossy(value).into_owned(),
                reason,
            })?
        } else {
            value.to_vec()
        };
        let value = utf8(&name, value)?;
        decoded.insert(name, value);
    }
    Ok(decoded)
}

fn utf8(name: &str, value: Vec<u8>) -> Result<String, PathError> {
    String::from_utf8(value).map_err(|_| PathError::NotUtf8(name.to_owned()))
}

/// Percent-decodes `text` (RFC 3986, section 2.1). Returns `None` if two hexadecimal digits do not follow
/// a `%`.
pub fn percent_decode(text: &str) -> Option<Vec<u8>> {
    // `percent_decode_str` would keep an invalid `%` as it is.
    let mut escapes = text.split('%').skip(1).map(|rest| rest.as_bytes().first_chunk::<2>());
    let is_valid =
        escapes.all(|digits| digits.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)));
    is_valid.then(|| percent_decode_str(text).collect())
}

/// Decodes base64 with the URL-safe alphabet (RFC 4648, section 5). Padding is ignored.
fn base64_decode(text: &[u8]) -> Result<Vec<u8>, String> {
    let unpadded = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    URL_SAFE_NO_PAD
        .decode(&text[..unpadded])
        .or_else(|error| decode_with_trailing_bits(&text[..unpadded]).ok_or(error))
        .map_err(|error| match error {
            base64::DecodeError::InvalidByte(at, _)
            | base64::DecodeError::InvalidLastSymbol { offset: at, .. } => {
                format!("illegal base64 data at input byte {at}")
            }
            base64::DecodeError::InvalidLength(length) => {
                format!("illegal base64 data at input byte {}", length.saturating_sub(1))
            }
            base64::DecodeError::InvalidPadding => "illegal base64 padding".to_owned(),
        })
}

/// Decodes base64 whose last symbol has bits that are not used and not 0. The gateway's decoder, which
/// is Go's, accepts such a symbol.
fn decode_with_trailing_bits(text: &[u8]) -> Option<Vec<u8>> {
    use base64::alphabet::URL_SAFE as ALPHABET;
    use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
    let config = NO_PAD.with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&ALPHABET, config).decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(path: &str) -> Vec<(String, String)> {
        decode_path(path).unwrap().into_iter().collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn paths_are_written_as_the_gateway_documents_them() {
        let check = |job: &str, label: Option<(&str, &str)>, path: &str| {
            let mut key = GroupingKey::new(job).unwrap();
            if let Some((name, value)) = label {
                key = key.with(name, value).unwrap();
            }
            assert_eq!(key.to_path(), path);
            assert_eq!(GroupingKey::from_path(path).unwrap(), key);
        };
        check("x", None, "/metrics/job/x");
        check("x", Some(("instance", "i")), "/metrics/job/x/instance/i");
        check("a b+c%", None, "/metrics/job/a%20b%2Bc%25");
        check("..", None, "/metrics/job@base64/Li4=");
        check("a/b", None, "/metrics/job@base64/YS9i");
        check("x", Some(("a", "")), "/metrics/job/x/a@base64/=");
        check("titan", Some(("name", "Πρ")), "/metrics/job/titan/name/%CE%A0%CF%81");
    }

    #[test]
    fn paths_are_read_as_a_gateway_reads_them() {
        let check = |path: &str, expected: &[(&str, &str)]| {
            assert_eq!(labels(path), pairs(expected), "{path}");
        };
        check("/job/x/", &[("job", "x")]);
        check("/job/x/a/", &[("a", ""), ("job", "x")]);
        check("/job/a%2Fb%2Fc", &[("b", "c"), ("job", "a")]);
        check("/job%40base64/YQ", &[("job", "a")]);
        check("/job/x/a@base64/===", &[("a", ""), ("job", "x")]);
        check("/job/x/a@base64/%3D", &[("a", ""), ("job", "x")]);
        check("/job/x/job/y", &[("job", "x")]);
        check("/job/x/a/1/a/2", &[("a", "2"), ("job", "x")]);
        check("/job/a+b", &[("job", "a+b")]);
        check("/job/a%00b", &[("job", "a\0b")]);
        check("/job@base64/YR", &[("job", "a")]);
    }

    #[test]
    fn bad_paths_are_refused_in_the_gateways_words() {
        let check = |path: &str, expected: &str| {
            assert_eq!(decode_path(path).unwrap_err().to_string(), expected, "{path}");
        };
        check("/job/x/a", "odd number of components in label string \"/a\"");
        check("/job/x/__x/1", "improper label name \"__x\"");
        check("/job/x/a@BASE64/YQ", "improper label name \"a@BASE64\"");
        check("/job@base64/=", "job name is required");
        check(
            "/job@base64/a",
            "invalid base64 encoding in job name \"\": illegal base64 data at input byte 0",
        );
        check(
            "/job/x/a@base64/a",
            "invalid base64 encoding for label a=\"a\": illegal base64 data at input byte 0",
        );
        check("/job/a%FFb", "value of label \"job\" is not utf8");
        check("/job/a%zzb", "invalid percent-encoding in `/job/a%zzb`");
        check("/jobs/x", "path `/jobs/x` does not begin with `/job/` or `/job@base64/`");
    }

    #[test]
    fn keys_that_would_break_a_gateway_are_refused() {
        let key = || GroupingKey::new("x").unwrap();
        assert_eq!(GroupingKey::new(""), Err(GroupingKeyError::EmptyJob));
        assert!(key().with("__x", "1").is_err());
        assert!(key().with("a-b", "1").is_err());
        assert!(key().with("le", "1").is_err());
        assert!(key().with("quantile", "1").is_err());
        assert!(key().with("job", "y").is_err());
        assert_eq!(key().with("job", "x"), Ok(key()));
        assert_eq!(key().with("instance", ""), Ok(key()), "an empty instance is absent");
        assert!(key().with("a", "1").unwrap().with("a", "2").is_err());
    }

    #[test]
    fn any_group_has_a_path() {
        let path = encode_path([("job", "x"), ("instance", "")]).unwrap();
        assert_eq!(path, "/metrics/job/x/instance@base64/=");
        assert_eq!(encode_path([("a", "b")]), Err(GroupingKeyError::EmptyJob));
    }

    proptest! {
        #[test]
        fn decode_of_encode_is_the_key(
            job in "\\PC{1,12}|[./ +%~@=]{1,4}|.{1,8}",
            labels in proptest::collection::btree_map("[a-zA-Z][a-zA-Z0-9_]{0,6}", any::<String>(), 0..5),
        ) {
            let mut key = GroupingKey::new(&job).unwrap();
            for (name, value) in &labels {
                if !matches!(name.as_str(), "job" | "le" | "quantile") {
                    key = key.with(name, value).unwrap();
                }
            }
            prop_assert_eq!(GroupingKey::from_path(&key.to_path()).unwrap(), key);
        }

        #[test]
        fn decoding_never_panics(path in "(/job(@base64)?/)?[a-z@%0-9/=_~\\PC]{0,40}") {
            prop_assert!(decode_path(&path).map_or(true, |labels| labels.contains_key("job")));
        }
    }
}
