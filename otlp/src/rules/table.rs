//! The table of rules.

use prompush_core::MetricFamily;

use crate::error::RulesError;
use crate::rules::family_alias::FamilyAlias;
use crate::rules::parser::{self, Statement};
use crate::rules::rule::{self, Rule, Selector};

/// Labels that an attribute must not set: the grouping key sets the first two, histograms and
/// summaries need the others.
const RESERVED_LABELS: [&str; 4] = ["job", "instance", "le", "quantile"];

/// Cardinality rules: which metrics and attributes are dropped, and how many samples one instance
/// may have.
///
/// A dropped attribute does not become a label. Points that differ in dropped attributes only are
/// summed. [`Rules::default`] holds [`DEFAULT_TEXT`](Self::DEFAULT_TEXT). Whatever no rule matches
/// is kept, up to the limit of samples.
///
/// ```
/// use prompush_otlp::Rules;
///
/// let rules = Rules::parse("keep instrumentation\ndrop attribute skill_name\n")?;
/// let error = Rules::parse("drop metrics x\n").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "line 1, column 6: found `metrics`, expected `attribute`, `metric` or `instrumentation`",
/// );
/// # Ok::<(), prompush_otlp::RulesError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rules {
    /// A later rule overrides an earlier one.
    entries: Vec<Rule>,
    samples_max: usize,
    reserved_labels: Vec<String>,
    aliases: Vec<FamilyAlias>,
}

impl Default for Rules {
    fn default() -> Self {
        let mut rules = Self {
            entries: Vec::new(),
            samples_max: usize::MAX,
            reserved_labels: RESERVED_LABELS.map(str::to_owned).to_vec(),
            aliases: Vec::new(),
        };
        let read = rules.append(Self::DEFAULT_TEXT);
        debug_assert_eq!(read, Ok(()), "a test reads the default rules");
        rules
    }
}

impl Rules {
    /// The default rules, in the language that [`parse`](Self::parse) reads. They fit any program.
    pub const DEFAULT_TEXT: &str = include_str!("default.rules");

    /// The default rules followed by those of `text`, which override them.
    ///
    /// # Errors
    /// [`RulesError`] with the line and column of the first word that cannot stand there.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        Self::default().with_text(text)
    }

    /// Appends the rules of `text`, which override those before them.
    ///
    /// # Errors
    /// [`RulesError`] with the line and column of the first word that cannot stand there.
    pub fn with_text(mut self, text: &str) -> Result<Self, RulesError> {
        self.append(text)?;
        Ok(self)
    }

    /// Pushes a counter under a second name as well. Default: none.
    #[must_use]
    pub fn with_alias(mut self, alias: FamilyAlias) -> Self {
        self.aliases.push(alias);
        self
    }

    /// Keeps or drops what instrumentation libraries add, overriding the rules so far: metrics
    /// called `gen_ai_*`, `llm_*`, `http_client_*`, `http_server_*`, `python_*` and `process_*`.
    /// Default: dropped.
    #[must_use]
    pub fn instrumentation(mut self, keep: bool) -> Self {
        self.entries.extend(rule::instrumentation(keep));
        self
    }

    /// Reserves `label` for the grouping key: an attribute of that name becomes the label
    /// `exported_…` instead. `job`, `instance`, `le` and `quantile` are always reserved.
    #[must_use]
    pub fn reserve_label(mut self, label: &str) -> Self {
        self.reserved_labels.push(label.to_owned());
        self
    }

    /// The most samples that one instance may have. Default: 2,000.
    pub fn samples_max(&self) -> usize {
        self.samples_max
    }

    /// Whether a metric is kept. `names` are its names in OTLP and in Prometheus.
    pub(crate) fn keeps_metric(&self, names: [&str; 2]) -> bool {
        self.decision(|selector| match selector {
            Selector::Metric(pattern) => rule::matches_any(pattern, names),
            Selector::Attribute { .. } => false,
        })
    }

    /// Whether an attribute of a metric is kept. `names` and `metric` are the names of the
    /// attribute and of the metric, in OTLP and in Prometheus.
    pub(crate) fn keeps_attribute(&self, names: [&str; 2], metric: [&str; 2]) -> bool {
        self.decision(|selector| match selector {
            Selector::Attribute { attribute, of } => {
                rule::matches_any(attribute, names)
                    && of.as_ref().is_none_or(|of| rule::matches_any(of, metric))
            }
            Selector::Metric(_) => false,
        })
    }

    /// The label name to use for `name`: `exported_…` when `name` is reserved.
    pub(crate) fn unreserved_label(&self, name: String) -> String {
        if self.reserved_labels.contains(&name) { format!("exported_{name}") } else { name }
    }

    /// Appends the copy of each aliased family, unless a rule drops the alias.
    pub(crate) fn add_aliases(&self, families: &mut Vec<MetricFamily<'_>>) {
        for alias in self.aliases.iter().filter(|alias| self.keeps_metric([alias.name; 2])) {
            alias.append(families);
        }
    }

    /// Whether the last matching rule keeps its metric or attribute; true when no rule matches.
    fn decision(&self, matches: impl Fn(&Selector) -> bool) -> bool {
        self.entries.iter().rev().find(|rule| matches(&rule.selector)).is_none_or(|rule| rule.keep)
    }

    fn append(&mut self, text: &str) -> Result<(), RulesError> {
        for (number, line) in (1..).zip(text.lines()) {
            match parser::parse_line(line, number)? {
                Statement::Empty => {}
                Statement::Rules(rules) => self.entries.extend(rules),
                Statement::SamplesMax(samples_max) => self.samples_max = samples_max,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_rules_can_be_read() {
        Rules::default().append(Rules::DEFAULT_TEXT).unwrap();
        assert_eq!(Rules::default().samples_max(), 2000);
    }

    #[test]
    fn the_last_rule_that_matches_decides() {
        let rules = Rules::parse(
            "keep attribute error_message of my_*\ndrop attribute error* of my_other\n\
             keep metric gen_ai_client_token_usage # by either name\ndrop metric shop_skill_*",
        )
        .unwrap();
        let attribute = |name, metric| rules.keeps_attribute([name; 2], [metric; 2]);
        assert!(!attribute("error_message", "shop_tool_calls"));
        assert!(attribute("error_message", "my_metric"));
        assert!(!attribute("error_message", "my_other"));
        assert!(attribute("model", "shop_llm_requests"));
        assert!(attribute("cost", "shop_sales"));
        let metric = |name: &str| rules.keeps_metric([name, &name.replace('.', "_")]);
        assert!(metric("gen_ai.client.token.usage"));
        assert!(!metric("gen_ai.client.operation.duration"));
        assert!(!metric("shop_skill_tokens"));
        assert!(metric("shop_tool_calls"));
    }

    #[test]
    fn instrumentation_is_one_switch() {
        let on = Rules::default().instrumentation(true);
        for name in ["gen_ai_x", "llm_x", "http_client_x", "http_server_x", "python_x", "process_x"]
        {
            assert!(!Rules::default().keeps_metric([name; 2]), "{name}");
            assert!(on.keeps_metric([name; 2]), "{name}");
            let words = Rules::parse("keep instrumentation").unwrap();
            assert!(words.keeps_metric([name; 2]), "{name}");
        }
        assert!(!on.instrumentation(false).keeps_metric(["llm_x"; 2]));
    }

    #[test]
    fn a_star_stands_for_anything() {
        let check = |pattern: &str, name: &str, expected: bool| {
            let rules = Rules::parse(&format!("drop attribute {pattern} of only_here")).unwrap();
            let kept = rules.keeps_attribute([name; 2], ["only_here"; 2]);
            assert_eq!(!kept, expected, "{pattern:?} and {name:?}");
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
        check("ab*bc", "abc", false);
        check("a?c", "a?c", true);
    }

    #[test]
    fn a_reserved_label_is_renamed() {
        let rules = Rules::default().reserve_label("team");
        for label in ["job", "instance", "le", "quantile", "team"] {
            assert_eq!(rules.unreserved_label(label.to_owned()), format!("exported_{label}"));
        }
        assert_eq!(rules.unreserved_label("model".to_owned()), "model");
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        assert_eq!(Rules::parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn an_error_names_the_line_and_column() {
        check_refused(
            "# fine\n\n  dorp metric x",
            "line 3, column 3: found `dorp`, expected `drop`, `keep` or `limit`",
        );
        check_refused(
            "drop",
            "line 1, column 5: found the end of the line, expected `attribute`, `metric` or \
             `instrumentation`",
        );
        check_refused(
            "drop metric",
            "line 1, column 12: found the end of the line, expected a name, in which `*` stands \
             for anything",
        );
        check_refused(
            "drop metric é x",
            "line 1, column 15: found `x`, expected the end of the line",
        );
        check_refused(
            "drop attribute x from y",
            "line 1, column 18: found `from`, expected `of` or the end of the line",
        );
        check_refused(
            "limit series many",
            "line 1, column 14: found `many`, expected a whole number from 1 to 1000000",
        );
        check_refused("limit memory 3", "line 1, column 7: found `memory`, expected `series`");
        check_refused(
            "limit series 0",
            "line 1, column 14: found `0`, expected a whole number from 1 to 1000000",
        );
    }
}
