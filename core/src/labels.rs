//! Labels: the labels of a parsed metric, and the kinds of labels that a family can have.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

/// One label of a metric.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label<'a> {
    /// The name.
    pub name: Cow<'a, str>,
    /// The value, unescaped.
    pub value: Cow<'a, str>,
}

/// The labels of a metric, in the order of the body. The parsers give each name once.
///
/// Labels without escapes are kept as a slice of the body, and split when somebody iterates over them.
/// So parsing allocates nothing for them.
///
/// ```
/// use prompush_core::{Format, parse};
///
/// let exposition = parse(b"calls_total{tool=\"shell\"} 1\n", Format::Text)?;
/// let labels = &exposition.families[0].metrics[0].labels;
/// assert!(labels.iter().eq([("tool", "shell")]));
/// # Ok::<(), prompush_core::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Labels<'a>(Storage<'a>);

#[derive(Clone)]
enum Storage<'a> {
    /// Text as in `a="b",c="d"`: nothing is escaped, and no blank stands outside the quotes.
    Text(&'a str),
    List(Box<[Label<'a>]>),
}

impl<'a> Labels<'a> {
    /// Labels as they stand in a body, without braces. `text` has no escape, and no blank outside the
    /// quotes.
    pub(crate) fn from_text(text: &'a str) -> Self {
        Self(Storage::Text(text))
    }

    /// The name and the unescaped value of each label, in the order of the body.
    pub fn iter(&self) -> Iter<'_> {
        match &self.0 {
            Storage::Text(text) => Iter { text, list: [].iter() },
            Storage::List(labels) => Iter { text: "", list: labels.iter() },
        }
    }

    /// The same labels, not borrowed from the body.
    pub fn into_owned(self) -> Labels<'static> {
        self.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Whether there are no labels.
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Storage::Text(text) => text.is_empty(),
            Storage::List(labels) => labels.is_empty(),
        }
    }
}

impl Default for Labels<'_> {
    fn default() -> Self {
        Self::from_text("")
    }
}

impl<'a> From<Vec<Label<'a>>> for Labels<'a> {
    fn from(labels: Vec<Label<'a>>) -> Self {
        Self(Storage::List(labels.into()))
    }
}

impl<'a, N, V> FromIterator<(N, V)> for Labels<'a>
where
    N: Into<Cow<'a, str>>,
    V: Into<Cow<'a, str>>,
{
    fn from_iter<I: IntoIterator<Item = (N, V)>>(labels: I) -> Self {
        let label = |(name, value): (N, V)| Label { name: name.into(), value: value.into() };
        labels.into_iter().map(label).collect::<Vec<_>>().into()
    }
}

impl PartialEq for Labels<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Storage::Text(one), Storage::Text(two)) => one == two,
            _ => self.iter().eq(other),
        }
    }
}

impl Eq for Labels<'_> {}

impl Hash for Labels<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.iter().for_each(|label| label.hash(state));
    }
}

impl fmt::Debug for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<'s> IntoIterator for &'s Labels<'_> {
    type Item = (&'s str, &'s str);
    type IntoIter = Iter<'s>;

    fn into_iter(self) -> Iter<'s> {
        self.iter()
    }
}

/// The iterator over [`Labels`].
#[derive(Clone, Debug)]
pub struct Iter<'s> {
    /// The rest of the text; empty if the labels are a list.
    text: &'s str,
    list: std::slice::Iter<'s, Label<'s>>,
}

impl<'s> Iterator for Iter<'s> {
    type Item = (&'s str, &'s str);

    fn next(&mut self) -> Option<Self::Item> {
        if self.text.is_empty() {
            return self.list.next().map(|label| (&*label.name, &*label.value));
        }
        // A name has no `=`, and a value without escapes has no quote.
        let (name, rest) = self.text.split_once('=')?;
        let (value, rest) = rest.strip_prefix('"')?.split_once('"')?;
        self.text = rest.strip_prefix(',').unwrap_or(rest);
        Some((name, value))
    }
}

/// The labels of a [`Family`](crate::Family) whose label names are given as strings, `N` of them.
///
/// A marker type: it is never made.
#[derive(Clone, Copy, Debug)]
pub struct LabelNames<const N: usize>(());

/// The labels of a [`Family`](crate::Family): [`LabelNames`] or
/// [`DerivedLabels`](crate::DerivedLabels). Other crates cannot implement this trait.
pub trait LabelSet: Sealed {}

impl<L: Sealed> LabelSet for L {}

/// How a family finds the metric of a label set.
pub trait Sealed {
    /// The index of the family's metrics by label set; `()` where the text of a series says
    /// what its label values are.
    type Index<M: Clone + Send + Sync + 'static>: Default + Send + Sync + 'static;
}

impl<const N: usize> Sealed for LabelNames<N> {
    type Index<M: Clone + Send + Sync + 'static> = ();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_list_have_the_same_labels() {
        for (plain, listed) in [
            ("", vec![]),
            ("a=\"\"", vec![("a", "")]),
            ("a=\"b\",c=\"=,\",d=\"é}\"", vec![("a", "b"), ("c", "=,"), ("d", "é}")]),
        ] {
            let (plain, listed) =
                (Labels::from_text(plain), listed.into_iter().collect::<Labels<'_>>());
            assert_eq!(plain, listed);
            assert_eq!(plain.is_empty(), listed.is_empty());
            assert_eq!(format!("{plain:?}"), format!("{listed:?}"));
        }
        assert_ne!(Labels::from_text("a=\"b\""), [("a", "c")].into_iter().collect());
        assert_ne!(Labels::from_text("a=\"b\""), Labels::default());
    }
}
