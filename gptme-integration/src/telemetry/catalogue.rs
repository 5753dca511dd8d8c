//! gptme's metrics, under the names that they have in Prometheus.

use std::time::Duration;

use prompush::{
    Buckets, Counter, CounterF64, Family, Histogram, LabelNames, Registry, RegistryError,
};

use crate::rules::TOKENS;

/// The bucket bounds that gptme has for the duration of tool calls, in seconds.
const TOOL_BOUNDS: [f64; 9] = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0];

/// The bucket bounds that gptme has for the duration of skills, in seconds: the defaults of its
/// SDK. With the same bounds, histograms of gptme and of Rust agents can be summed by `le`.
const SKILL_BOUNDS: [f64; 15] = [
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0,
    10000.0,
];

/// Most series of a family. A limit is needed because names of models and types of exceptions may
/// come from outside.
const SERIES_MAX: usize = 500;

/// The types of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenType {
    /// Read by the model, not from its cache.
    Input,
    /// Written by the model.
    Output,
    /// Read by the model from its cache.
    CacheRead,
    /// Written to the model's cache.
    CacheCreation,
}

impl TokenType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::CacheRead => "cache_read",
            Self::CacheCreation => "cache_creation",
        }
    }
}

/// How a model writes tool calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolFormat {
    /// As code blocks in Markdown.
    Markdown,
    /// As XML elements.
    Xml,
    /// As tool calls of the provider's API.
    Tool,
}

impl ToolFormat {
    fn as_str(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Xml => "xml",
            Self::Tool => "tool",
        }
    }
}

/// A tool call that has ended.
#[derive(Clone, Copy, Debug)]
pub struct ToolCall<'a> {
    /// The name of the tool.
    pub tool: &'a str,
    /// How the call was written.
    pub format: ToolFormat,
    /// The type of the error that the tool failed with, such as `TimeoutError`, never the text of
    /// the error: each value is a series of its own. `None` when the tool succeeded.
    pub error_type: Option<&'a str>,
    /// How long the call took.
    pub duration: Duration,
}

/// How a skill ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkillStatus {
    /// The skill succeeded.
    Completed,
    /// The skill failed.
    Failed,
    /// The session turned to something else before the skill ended.
    Abandoned,
}

impl SkillStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }
}

/// A skill that has ended.
#[derive(Clone, Copy, Debug)]
pub struct SkillEnd<'a> {
    /// The name of the skill.
    pub skill: &'a str,
    /// The part of the agent that invoked the skill.
    pub surface: &'a str,
    /// How the skill ended.
    pub status: SkillStatus,
    /// The time from the invocation of the skill to its end.
    pub duration: Duration,
    /// The usage while the skill ran; `None` when unknown.
    pub usage: Option<SkillUsage>,
}

/// Tokens and cost of all requests while a skill ran. Other skills may have run at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SkillUsage {
    /// Tokens that the model read as input. Tokens from its cache are not counted here.
    pub input_tokens: u64,
    /// Tokens that the model wrote.
    pub output_tokens: u64,
    /// Tokens that the model read from its cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the model's cache.
    pub cache_creation_tokens: u64,
    /// The cost in US dollars.
    pub cost_usd: f64,
}

/// A metric family with `N` labels.
type Labelled<const N: usize, M> = Family<LabelNames<N>, M>;

/// Handles to all metric families.
#[derive(Debug)]
pub(crate) struct Catalogue {
    tokens_processed: Labelled<1, Counter>,
    tokens: Labelled<1, Counter>,
    llm_requests: Labelled<3, Counter>,
    llm_cost: Labelled<2, CounterF64>,
    tool_calls: Labelled<4, Counter>,
    tool_duration: Labelled<4, Histogram>,
    skill_invocations: Labelled<2, Counter>,
    skill_completions: Labelled<4, Counter>,
    skill_duration: Labelled<2, Histogram>,
    skill_tokens: Labelled<3, Counter>,
    skill_cost: Labelled<2, CounterF64>,
}

const TOOL_LABELS: [&str; 4] = ["tool_name", "success", "tool_format", "error_type"];
const SKILL_LABELS: [&str; 2] = ["skill_name", "surface"];

impl Catalogue {
    /// Registers all metric families.
    ///
    /// # Errors
    /// [`RegistryError`] when the registry has a family with one of the names already.
    pub(crate) fn register(registry: &Registry) -> Result<Self, RegistryError> {
        Ok(Self {
            tokens_processed: counters(
                registry,
                ("gptme_tokens_processed_total", "Number of tokens processed"),
                ["token_type"],
            )?,
            tokens: counters(registry, ("gptme_tokens_total", TOKENS.help), ["token_type"])?,
            llm_requests: counters(
                registry,
                ("gptme_llm_requests_total", "Number of LLM API requests made"),
                ["provider", "model", "success"],
            )?,
            llm_cost: costs(
                registry,
                ("gptme_llm_cost_usd_USD_total", "Cost of LLM API requests"),
                ["provider", "model"],
            )?,
            tool_calls: counters(
                registry,
                ("gptme_tool_calls_total", "Number of tool calls made"),
                TOOL_LABELS,
            )?,
            tool_duration: durations(
                registry,
                ("gptme_tool_duration_seconds", "Tool execution duration in seconds"),
                TOOL_LABELS,
                &TOOL_BOUNDS,
            )?,
            skill_invocations: counters(
                registry,
                ("gptme_skill_invocations_total", "Persisted explicit skill invocations"),
                SKILL_LABELS,
            )?,
            skill_completions: counters(
                registry,
                (
                    "gptme_skill_completions_invocations_total",
                    "Persisted skill terminal events (runtime outcomes)",
                ),
                ["skill_name", "surface", "status", "usage_available"],
            )?,
            skill_duration: durations(
                registry,
                ("gptme_skill_duration_seconds", "Skill admission-to-terminal duration"),
                SKILL_LABELS,
                &SKILL_BOUNDS,
            )?,
            skill_tokens: counters(
                registry,
                (
                    "gptme_skill_tokens_total",
                    "Tokens in measured skill session windows (may overlap)",
                ),
                ["skill_name", "surface", "token_type"],
            )?,
            skill_cost: costs(
                registry,
                (
                    "gptme_skill_cost_usd_USD_total",
                    "Cost of measured skill session windows (may overlap)",
                ),
                SKILL_LABELS,
            )?,
        })
    }

    pub(crate) fn tokens(&self, token_type: TokenType, tokens: u64) {
        self.tokens_processed.with([token_type.as_str()]).inc_by(tokens);
        self.tokens_processed.with(["total"]).inc_by(tokens);
        self.tokens.with([token_type.as_str()]).inc_by(tokens);
    }

    pub(crate) fn llm_request(&self, provider: &str, model: &str, success: bool) {
        self.llm_requests.with([provider, model, bool_text(success)]).inc();
    }

    pub(crate) fn cost(&self, provider: &str, model: &str, usd: f64) {
        add_cost(self.llm_cost.with([provider, model]), usd);
    }

    pub(crate) fn tool_call(&self, call: &ToolCall<'_>) {
        // Prometheus treats an empty label as a missing one.
        let error_type = call.error_type.unwrap_or_default();
        let labels =
            [call.tool, bool_text(call.error_type.is_none()), call.format.as_str(), error_type];
        self.tool_calls.with(labels).inc();
        self.tool_duration.with(labels).observe(call.duration.as_secs_f64());
    }

    pub(crate) fn skill_invoked(&self, skill: &str, surface: &str) {
        self.skill_invocations.with([skill, surface]).inc();
    }

    pub(crate) fn skill_ended(&self, end: &SkillEnd<'_>) {
        let SkillEnd { skill, surface, status, duration, usage } = *end;
        let status = [skill, surface, status.as_str(), bool_text(usage.is_some())];
        self.skill_completions.with(status).inc();
        self.skill_duration.with([skill, surface]).observe(duration.as_secs_f64());
        let Some(usage) = usage else { return };
        for (token_type, tokens) in [
            ("input_tokens", usage.input_tokens),
            ("output_tokens", usage.output_tokens),
            ("cache_read_tokens", usage.cache_read_tokens),
            ("cache_creation_tokens", usage.cache_creation_tokens),
        ] {
            self.skill_tokens.with([skill, surface, token_type]).inc_by(tokens);
        }
        add_cost(self.skill_cost.with([skill, surface]), usage.cost_usd);
    }
}

/// The name and the help text of a family.
type NameAndHelp = (&'static str, &'static str);

fn counters<const N: usize>(
    registry: &Registry,
    (name, help): NameAndHelp,
    labels: [&str; N],
) -> Result<Labelled<N, Counter>, RegistryError> {
    Ok(registry.counter_family(name, help, labels)?.limit_series(SERIES_MAX))
}

fn costs<const N: usize>(
    registry: &Registry,
    (name, help): NameAndHelp,
    labels: [&str; N],
) -> Result<Labelled<N, CounterF64>, RegistryError> {
    Ok(registry.family::<CounterF64, N>(name, help, labels, ())?.limit_series(SERIES_MAX))
}

fn durations<const N: usize>(
    registry: &Registry,
    (name, help): NameAndHelp,
    labels: [&str; N],
    bounds: &[f64],
) -> Result<Labelled<N, Histogram>, RegistryError> {
    let buckets = Buckets::new(bounds.iter().copied())?;
    Ok(registry.histogram_family(name, help, labels, buckets)?.limit_series(SERIES_MAX))
}

fn bool_text(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn add_cost(cost: &CounterF64, usd: f64) {
    if usd.is_finite() && usd >= 0.0 {
        cost.inc_by(usd);
    }
}
