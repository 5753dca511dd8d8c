//! One line of the rules' language.

use crate::error::RulesError;

use super::INSTRUMENTATION;

/// What a line says.
#[derive(Debug)]
pub(super) enum Line {
    Empty,
    Rules(Vec<Rule>),
    SeriesMax(usize),
}

/// One rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) keep: bool,
    pub(super) subject: Subject,
}

/// What a rule is about.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    Metric(Pattern),
    Attribute { attribute: Pattern, of: Option<Pattern> },
}

/// A name in which `*` stands for anything.
#[derive(Clone, Debug)]
pub(super) struct Pattern(String);

/// Most series that a line may allow.
const SERIES_MAX: usize = 1_000_000;

/// Reads line `number`, counted from 1.
///
/// # Errors
/// [`RulesError`] at the first word that does not belong there.
pub(super) fn read(text: &str, number: usize) -> Result<Line, RulesError> {
    let mut words = Words::new(text, number);
    let Some(verb) = words.next() else { return Ok(Line::Empty) };
    let line = match verb {
        "drop" | "keep" => Line::Rules(rules(verb == "keep", &mut words)?),
        "limit" => match words.next() {
            Some("series") => Line::SeriesMax(series_max(&mut words)?),
            _ => return Err(words.error("`series`")),
        },
        _ => return Err(words.error("`drop`, `keep` or `limit`")),
    };
    match words.next() {
        None => Ok(line),
        Some(_) => Err(words.error("the end of the line")),
    }
}

/// The rules that keep or drop what instrumentation adds.
pub(super) fn instrumentation(keep: bool) -> Vec<Rule> {
    let rule = |pattern: &str| Rule { keep, subject: Subject::Metric(Pattern(pattern.to_owned())) };
    INSTRUMENTATION.map(rule).into()
}

fn rules(keep: bool, words: &mut Words<'_>) -> Result<Vec<Rule>, RulesError> {
    let subject = match words.next() {
        Some("instrumentation") => return Ok(instrumentation(keep)),
        Some("metric") => Subject::Metric(pattern(words)?),
        Some("attribute") => {
            let attribute = pattern(words)?;
            let of = match words.next() {
                None => None,
                Some("of") => Some(pattern(words)?),
                Some(_) => return Err(words.error("`of` or the end of the line")),
            };
            Subject::Attribute { attribute, of }
        }
        _ => return Err(words.error("`attribute`, `metric` or `instrumentation`")),
    };
    Ok(vec![Rule { keep, subject }])
}

fn pattern(words: &mut Words<'_>) -> Result<Pattern, RulesError> {
    match words.next() {
        Some(word) => Ok(Pattern(word.to_owned())),
        None => Err(words.error("a name, in which `*` stands for anything")),
    }
}

fn series_max(words: &mut Words<'_>) -> Result<usize, RulesError> {
    match words.next().and_then(|word| word.parse().ok()) {
        Some(series_max @ 1..=SERIES_MAX) => Ok(series_max),
        _ => Err(words.error("a whole number from 1 to 1000000")),
    }
}

impl Pattern {
    /// Whether one of `names` is what the pattern says.
    pub(super) fn fits(&self, names: [&str; 2]) -> bool {
        names.iter().any(|name| fits(&self.0, name))
    }
}

/// Greedy from left to right: behind the first and before the last piece, the earliest place
/// where a piece stands is as good as any.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((first, pieces)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let (middle, last) = pieces.rsplit_once('*').unwrap_or(("", pieces));
    for piece in middle.split('*') {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The words of a line, up to a comment, and where the last one stood.
struct Words<'a> {
    line: &'a str,
    number: usize,
    rest: &'a str,
    last: &'a str,
}

impl<'a> Words<'a> {
    fn new(line: &'a str, number: usize) -> Self {
        Self { line, number, rest: line, last: "" }
    }

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        if rest.is_empty() || rest.starts_with('#') {
            self.last = "";
            return None;
        }
        let (word, after) = match rest.split_once(char::is_whitespace) {
            Some((word, _)) => (word, rest.strip_prefix(word).unwrap_or_default()),
            None => (rest, ""),
        };
        self.rest = after;
        self.last = word;
        Some(word)
    }

    /// What is wrong with the last word.
    fn error(&self, expected: &'static str) -> RulesError {
        let before = self.line.len() - self.rest.len() - self.last.len();
        let before = self.line.get(..before).unwrap_or_default();
        RulesError {
            line: self.number,
            column: before.chars().count() + 1,
            found: Some(self.last.to_owned()).filter(|found| !found.is_empty()),
            expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_anything() {
        let check = |pattern, name, expected| {
            assert_eq!(fits(pattern, name), expected, "{pattern:?} and {name:?}");
        };
        check("gen_ai_*", "gen_ai_client", true);
        check("gen_ai_*", "gen_ai_", true);
        check("gen_ai_*", "gen_ai", false);
        check("*_total", "x_total", true);
        check("*.id", "gen_ai.response.id", true);
        check("a*b*c", "aXbYc", true);
        check("a*b*c", "aXcYb", false);
        check("a*a", "a", false);
        check("*", "", true);
        check("**", "x", true);
        check("", "", true);
        check("", "x", false);
        check("ab*bc", "abc", false);
    }
}
