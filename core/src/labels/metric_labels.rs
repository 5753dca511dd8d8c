//! The labels of a metric that was read.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A label of a metric.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label<'a> {
    /// The name.
    pub name: Cow<'a, str>,
    /// The value, unescaped.
    pub value: Cow<'a, str>,
}

/// The labels of a metric as they were given, each name once in what our parser gives.
///
/// Those that stand in a body as programs write them are not taken apart before somebody looks:
/// then reading a body allocates nothing for them.
#[derive(Clone)]
pub struct Labels<'a>(Form<'a>);

#[derive(Clone)]
enum Form<'a> {
    /// `a="b",c="d"`: nothing escaped, no blank outside the quotes.
    Plain(&'a str),
    Listed(Box<[Label<'a>]>),
}

impl<'a> Labels<'a> {
    /// Labels as they stand in a body, without braces.
    pub(crate) fn plain(text: &'a str) -> Self {
        Self(Form::Plain(text))
    }

    /// Name and value of each, in the order of the body, unescaped.
    pub fn iter(&self) -> Iter<'_> {
        match &self.0 {
            Form::Plain(text) => Iter { plain: text, listed: [].iter() },
            Form::Listed(labels) => Iter { plain: "", listed: labels.iter() },
        }
    }

    /// The same, kept apart from the body.
    pub fn into_owned(self) -> Labels<'static> {
        self.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Form::Plain(text) => text.is_empty(),
            Form::Listed(labels) => labels.is_empty(),
        }
    }
}

impl Default for Labels<'_> {
    fn default() -> Self {
        Self::plain("")
    }
}

impl<'a> From<Vec<Label<'a>>> for Labels<'a> {
    fn from(labels: Vec<Label<'a>>) -> Self {
        Self(Form::Listed(labels.into()))
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
            (Form::Plain(one), Form::Plain(two)) => one == two,
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

/// Iterates over [`Labels`].
#[derive(Clone, Debug)]
pub struct Iter<'s> {
    /// The labels still to come, if they are in this form.
    plain: &'s str,
    listed: std::slice::Iter<'s, Label<'s>>,
}

impl<'s> Iterator for Iter<'s> {
    type Item = (&'s str, &'s str);

    fn next(&mut self) -> Option<Self::Item> {
        if self.plain.is_empty() {
            return self.listed.next().map(|label| (&*label.name, &*label.value));
        }
        // A name has no `=`, and a value that is plain no quote.
        let (name, rest) = self.plain.split_once('=')?;
        let (value, rest) = rest.strip_prefix('"')?.split_once('"')?;
        self.plain = rest.strip_prefix(',').unwrap_or(rest);
        Some((name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_forms_are_the_same_to_a_reader() {
        for (plain, listed) in [
            ("", vec![]),
            ("a=\"\"", vec![("a", "")]),
            ("a=\"b\",c=\"=,\",d=\"é}\"", vec![("a", "b"), ("c", "=,"), ("d", "é}")]),
        ] {
            let (plain, listed) =
                (Labels::plain(plain), listed.into_iter().collect::<Labels<'_>>());
            assert_eq!(plain, listed);
            assert_eq!(plain.is_empty(), listed.is_empty());
            assert_eq!(format!("{plain:?}"), format!("{listed:?}"));
        }
        assert_ne!(Labels::plain("a=\"b\""), [("a", "c")].into_iter().collect());
        assert_ne!(Labels::plain("a=\"b\""), Labels::default());
    }
}
