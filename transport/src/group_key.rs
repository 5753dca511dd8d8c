//! The grouping key of any group that a gateway may hold.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use prompush_core::{GroupingKey, GroupingKeyError, PathError, decode_path, encode_path};

/// The labels that name a group on a gateway, whoever pushed the group.
///
/// A [`GroupingKey`] is what this library pushes to, and refuses labels that do harm on a gateway.
/// Other programs may have pushed to such labels all the same, and their groups have to be listed and
/// deleted too. A clone costs one reference count.
///
/// ```
/// use prompush::{AnyGroupingKey, GroupingKey};
///
/// let key = AnyGroupingKey::from(&GroupingKey::new("nightly_import")?.with("instance", "a/b")?);
/// assert_eq!(key.labels()["instance"], "a/b");
/// assert_eq!(key.path(), "/metrics/job/nightly_import/instance@base64/YS9i");
/// assert_eq!(key.to_string(), r#"{job="nightly_import",instance="a/b"}"#);
/// # Ok::<(), prompush::GroupingKeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnyGroupingKey(Arc<KeyAndPath>);

/// Invariant: `path` is the encoding of `labels`, so that comparing both is comparing the labels.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
struct KeyAndPath {
    labels: BTreeMap<String, String>,
    path: String,
}

impl AnyGroupingKey {
    /// The key with these labels, `job` among them.
    ///
    /// # Errors
    ///
    /// [`GroupingKeyError::EmptyJob`] when there is no label `job`, or an empty one.
    pub fn from_labels(labels: BTreeMap<String, String>) -> Result<Self, GroupingKeyError> {
        let pairs = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let path = encode_path(pairs)?;
        Ok(Self(Arc::new(KeyAndPath { labels, path })))
    }

    /// The key that a group's URL path names; the path begins with `/metrics`.
    ///
    /// # Errors
    ///
    /// [`PathError`] when the path names no group.
    pub fn from_path(path: &str) -> Result<Self, PathError> {
        let labels = decode_path(path.strip_prefix("/metrics").unwrap_or(path))?;
        Self::from_labels(labels).map_err(|_| PathError::EmptyJob)
    }

    /// The labels, sorted by name; `job` is one of them.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.0.labels
    }

    /// The path of the group in the gateway's API, from `/metrics` on.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Whether the path shows a label value in a form that people cannot read.
    pub(crate) fn is_path_encoded(&self) -> bool {
        self.0.path.contains('%') || self.0.path.contains("@base64")
    }
}

impl From<&GroupingKey> for AnyGroupingKey {
    fn from(key: &GroupingKey) -> Self {
        let job = ("job".to_owned(), key.job().to_owned());
        let others = key.labels().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let labels = others.chain([job]).collect();
        Self(Arc::new(KeyAndPath { labels, path: key.to_path() }))
    }
}

/// Shows the labels as Prometheus writes them, `job` first.
impl fmt::Display for AnyGroupingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = self.labels();
        let job = labels.get_key_value("job");
        let others = labels.iter().filter(|(name, _)| *name != "job");
        for (at, (name, value)) in job.into_iter().chain(others).enumerate() {
            let separator = if at == 0 { "{" } else { "," };
            write!(f, "{separator}{name}=\"{}\"", value.escape_debug())?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for AnyGroupingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
