//! One rule, and the selector of its metrics or attributes.

use prompush_core::Glob;

/// A rule: the metrics or attributes that `selector` matches are kept or dropped.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) keep: bool,
    pub(crate) selector: Selector,
}

/// Selects the metrics or attributes that a rule applies to.
#[derive(Clone, Debug)]
pub(crate) enum Selector {
    /// Metrics with a matching name.
    Metric(Glob),
    /// Attributes with a matching name, of all metrics or only of those that `of` matches.
    Attribute { attribute: Glob, of: Option<Glob> },
}

/// The metric families of instrumentation libraries and of Python's own Prometheus client.
const INSTRUMENTATION: [&str; 6] =
    ["gen_ai_*", "llm_*", "http_client_*", "http_server_*", "python_*", "process_*"];

/// The rules that keep or drop what instrumentation libraries add.
pub(crate) fn instrumentation(keep: bool) -> Vec<Rule> {
    let rule = |pattern: &str| Rule { keep, selector: Selector::Metric(Glob::new(pattern)) };
    INSTRUMENTATION.map(rule).into()
}

/// Whether `glob` matches one of the names that something has, in OTLP and in Prometheus.
pub(crate) fn matches_any(glob: &Glob, names: [&str; 2]) -> bool {
    names.iter().any(|name| glob.matches(name))
}
