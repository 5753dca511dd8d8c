//! Which metrics and attributes become series: a table, in a small language.
//!
//! ```text
//! # A comment.
//! drop attribute error_message                # everywhere
//! keep attribute error_message of my_metric*  # but there
//! drop metric gptme_skill_*
//! keep instrumentation                        # gen_ai_*, llm_*, http_*, python_*, process_*
//! limit series 5000
//! ```
//!
//! The last line that fits decides. A pattern fits the name that OTLP has (`server.address`) or
//! the one in Prometheus (`server_address`); `*` stands for anything.

mod line;

use crate::error::RulesError;
use line::{Rule, Subject};

/// The metric families of instrumentation libraries and of Python's own client.
pub(crate) const INSTRUMENTATION: [&str; 6] =
    ["gen_ai_*", "llm_*", "http_client_*", "http_server_*", "python_*", "process_*"];

/// Labels that an attribute must not set: the grouping key sets the first two, histograms and
/// summaries need the others.
const RESERVED_LABELS: [&str; 4] = ["job", "instance", "le", "quantile"];

/// Cardinality rules: which metrics and which attributes are dropped, and how many series one
/// instance may have.
///
/// An attribute that is dropped becomes no label, and points that fall together are summed. The
/// default is [`DEFAULT_TEXT`](Self::DEFAULT_TEXT); what nothing is said about is kept, up to the
/// limit of series.
///
/// ```
/// use prompush_gptme::Rules;
///
/// let rules = Rules::parse("keep instrumentation\ndrop attribute skill_name\n")?;
/// let wrong = Rules::parse("drop metrics x\n").unwrap_err();
/// assert_eq!(
///     wrong.to_string(),
///     "line 1, column 6: found `metrics`, expected `attribute`, `metric` or `instrumentation`",
/// );
/// # Ok::<(), prompush_gptme::RulesError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rules {
    table: Vec<Rule>,
    series_max: usize,
    reserved_labels: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        let mut rules = Self {
            table: Vec::new(),
            series_max: usize::MAX,
            reserved_labels: RESERVED_LABELS.map(str::to_owned).to_vec(),
        };
        let read = rules.read(Self::DEFAULT_TEXT);
        debug_assert_eq!(read, Ok(()), "a test reads the default rules");
        rules
    }
}

impl Rules {
    /// The default rules, in the language that [`parse`](Self::parse) reads.
    pub const DEFAULT_TEXT: &str = include_str!("default.rules");

    /// The default rules followed by those of `text`, so that these decide where both fit.
    ///
    /// # Errors
    /// [`RulesError`] with the line and the column of the first word that does not belong there.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        let mut rules = Self::default();
        rules.read(text)?;
        Ok(rules)
    }

    /// Keeps or drops what instrumentation adds, whatever the rules before say: metrics called
    /// `gen_ai_*`, `llm_*`, `http_client_*`, `http_server_*`, `python_*` and `process_*`.
    #[must_use]
    pub fn instrumentation(mut self, keep: bool) -> Self {
        self.table.extend(line::instrumentation(keep));
        self
    }

    /// Makes `label` one that no attribute may set, because the grouping key does: an attribute
    /// of that name becomes `exported_…`. `job` and `instance` always are.
    #[must_use]
    pub fn reserve_label(mut self, label: &str) -> Self {
        self.reserved_labels.push(label.to_owned());
        self
    }

    /// How many samples the series of one instance may have.
    pub fn series_max(&self) -> usize {
        self.series_max
    }

    /// Whether a metric is kept. `names` are those it goes by.
    pub(crate) fn keeps_metric(&self, names: [&str; 2]) -> bool {
        let decided = self.table.iter().rev().find_map(|rule| match &rule.subject {
            Subject::Metric(pattern) if pattern.fits(names) => Some(rule.keep),
            _ => None,
        });
        decided.unwrap_or(true)
    }

    /// Whether an attribute of a metric is kept. `names` and `metric` are what they go by.
    pub(crate) fn keeps_attribute(&self, names: [&str; 2], metric: [&str; 2]) -> bool {
        let decided = self.table.iter().rev().find_map(|rule| match &rule.subject {
            Subject::Attribute { attribute, of }
                if attribute.fits(names) && of.as_ref().is_none_or(|of| of.fits(metric)) =>
            {
                Some(rule.keep)
            }
            _ => None,
        });
        decided.unwrap_or(true)
    }

    /// The name a label gets that is not the attribute's to set: `exported_…` for a reserved one.
    pub(crate) fn free_label(&self, label: String) -> String {
        if self.reserved_labels.contains(&label) { format!("exported_{label}") } else { label }
    }

    fn read(&mut self, text: &str) -> Result<(), RulesError> {
        for (number, text) in text.lines().enumerate() {
            match line::read(text, number + 1)? {
                line::Line::Empty => {}
                line::Line::Rules(rules) => self.table.extend(rules),
                line::Line::SeriesMax(series_max) => self.series_max = series_max,
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
        Rules::default().read(Rules::DEFAULT_TEXT).unwrap();
        assert_eq!(Rules::default().series_max(), 2000);
    }

    #[test]
    fn the_last_rule_that_fits_decides() {
        let rules = Rules::parse(
            "keep attribute error_message of my_*\ndrop attribute error* of my_other\n\
             keep metric gen_ai_client_token_usage # by either name\ndrop metric gptme_skill_*",
        )
        .unwrap();
        let attribute = |name, metric| rules.keeps_attribute([name; 2], [metric; 2]);
        assert!(!attribute("error_message", "gptme_tool_calls"));
        assert!(attribute("error_message", "my_metric"));
        assert!(!attribute("error_message", "my_other"));
        assert!(attribute("model", "gptme_llm_requests"));
        assert!(!attribute("cost", "gptme_llm_requests"));
        assert!(attribute("cost", "shop_sales"));
        let metric = |name: &str| rules.keeps_metric([name, &name.replace('.', "_")]);
        assert!(metric("gen_ai.client.token.usage"));
        assert!(!metric("gen_ai.client.operation.duration"));
        assert!(!metric("gptme_skill_tokens"));
        assert!(metric("gptme_tool_calls"));
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
    fn a_reserved_label_is_renamed() {
        let rules = Rules::default().reserve_label("team");
        for label in ["job", "instance", "le", "quantile", "team"] {
            assert_eq!(rules.free_label(label.to_owned()), format!("exported_{label}"));
        }
        assert_eq!(rules.free_label("model".to_owned()), "model");
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        assert_eq!(Rules::parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn what_is_no_rule_is_named_with_its_place() {
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
