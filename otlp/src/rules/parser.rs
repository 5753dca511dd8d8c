//! Parses one line of the rules' language.

use prompush_core::Glob;

use crate::error::RulesError;
use crate::rules::rule::{self, Rule, Selector};

/// The meaning of one line.
#[derive(Debug)]
pub(crate) enum Statement {
    /// The line is empty or a comment.
    Empty,
    Rules(Vec<Rule>),
    /// `limit series`: the most samples of one instance.
    SamplesMax(usize),
}

/// Largest number that `limit series` takes.
const SAMPLES_MAX: usize = 1_000_000;

/// Parses the line with that number, counted from 1.
///
/// # Errors
/// [`RulesError`] for the first word that cannot stand where it stands.
pub(crate) fn parse_line(text: &str, number: usize) -> Result<Statement, RulesError> {
    let mut words = LineWords::new(text, number);
    let Some(verb) = words.next() else { return Ok(Statement::Empty) };
    let statement = match verb {
        "drop" | "keep" => Statement::Rules(rules(verb == "keep", &mut words)?),
        "limit" => match words.next() {
            Some("series") => Statement::SamplesMax(samples_max(&mut words)?),
            _ => return Err(words.error("`series`")),
        },
        _ => return Err(words.error("`drop`, `keep` or `limit`")),
    };
    match words.next() {
        None => Ok(statement),
        Some(_) => Err(words.error("the end of the line")),
    }
}

fn rules(keep: bool, words: &mut LineWords<'_>) -> Result<Vec<Rule>, RulesError> {
    let selector = match words.next() {
        Some("instrumentation") => return Ok(rule::instrumentation(keep)),
        Some("metric") => Selector::Metric(pattern(words)?),
        Some("attribute") => {
            let attribute = pattern(words)?;
            let of = match words.next() {
                None => None,
                Some("of") => Some(pattern(words)?),
                Some(_) => return Err(words.error("`of` or the end of the line")),
            };
            Selector::Attribute { attribute, of }
        }
        _ => return Err(words.error("`attribute`, `metric` or `instrumentation`")),
    };
    Ok(vec![Rule { keep, selector }])
}

fn pattern(words: &mut LineWords<'_>) -> Result<Glob, RulesError> {
    match words.next() {
        Some(word) => Ok(Glob::new(word)),
        None => Err(words.error("a name, in which `*` stands for anything")),
    }
}

fn samples_max(words: &mut LineWords<'_>) -> Result<usize, RulesError> {
    match words.next().and_then(|word| word.parse().ok()) {
        Some(samples_max @ 1..=SAMPLES_MAX) => Ok(samples_max),
        _ => Err(words.error("a whole number from 1 to 1000000")),
    }
}

/// The words of a line up to its comment, and the position of the last one for errors.
struct LineWords<'a> {
    line: &'a str,
    number: usize,
    rest: &'a str,
    last: &'a str,
}

impl<'a> LineWords<'a> {
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

    /// The error that the last word is not what was expected.
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
