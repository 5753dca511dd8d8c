//! Wildcards in label values: `*` for any text, `?` for one character.
//!
//! The matcher is our own, because crates such as `globset` match paths. In their patterns `*` stops
//! at `/`, and `[`, `{` and `\` have a meaning. Label values contain these characters as plain text.

/// A pattern in which `*` matches any text, also none, and `?` matches any one character.
///
/// Every other character matches itself. There is no escape.
///
/// ```
/// use prompush_core::Glob;
///
/// assert!(Glob::new("nightly-*").matches("nightly-import"));
/// assert!(!Glob::new("host-?").matches("host-10"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Glob(String);

impl Glob {
    /// A glob from its text. Every text is a valid pattern.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// The text of the pattern.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern has a wildcard. A pattern without one matches only the same text.
    pub fn has_wildcard(&self) -> bool {
        self.0.contains(['*', '?'])
    }

    /// Whether the pattern matches the whole of `text`.
    ///
    /// In the worst case the time is proportional to the product of both lengths, because the search
    /// only ever goes back to the last `*`.
    pub fn matches(&self, text: &str) -> bool {
        let pattern: Vec<char> = self.0.chars().collect();
        let text: Vec<char> = text.chars().collect();
        let (mut p, mut t) = (0, 0);
        // If the pattern behind the last `*` does not match: its index, and the index in the text
        // where that `*` began. The next attempt lets the `*` match one character more.
        let mut retry: Option<(usize, usize)> = None;
        while t < text.len() {
            match pattern.get(p) {
                Some('*') => {
                    p += 1;
                    retry = Some((p, t));
                }
                Some(wanted) if *wanted == '?' || *wanted == text[t] => {
                    p += 1;
                    t += 1;
                }
                _ => match retry {
                    Some((after_star, from)) => {
                        (p, t) = (after_star, from + 1);
                        retry = Some((p, t));
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|c| *c == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything/at all", true),
            ("?", "", false),
            ("?", "é", true),
            ("gptme-*", "gptme-12345", true),
            ("gptme-*", "gptme-", true),
            ("gptme-*", "xgptme-1", false),
            ("*a*b", "xaxbxab", true),
            ("*a*b", "xaxbxa", false),
            ("a?c*", "abcd", true),
            ("**", "x", true),
            ("[ab]", "a", false),
            ("a.b", "axb", false),
            ("host:*", "host:12", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_do_not_take_exponential_time() {
        assert!(!Glob::new("*a".repeat(200)).matches(&"a".repeat(199).replace('a', "ab")));
        assert!(!Glob::new("a*".repeat(30)).matches(&"b".repeat(10_000)));
    }
}
