//! Wildcards in label values: `*` for any text, `?` for one character.
//!
//! A matcher of our own: twenty lines. Crates such as `globset` are for paths, where `*` stops at
//! `/`, and `[`, `{` and `\` mean something; label values hold all of these as they are.

/// Whether there is a wildcard in `text`.
pub(crate) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether the whole of `text` matches `pattern`.
///
/// Takes time proportional to the product of the lengths at worst: only the last `*` is gone back to.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on if what follows the last `*` does not match: after it, one character later.
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
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_do_not_take_for_ever() {
        assert!(!matches(&"*a".repeat(200), &"a".repeat(199).replace('a', "ab")));
        assert!(!matches(&"a*".repeat(30), &"b".repeat(10_000)));
    }
}
