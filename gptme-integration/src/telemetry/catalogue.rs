//! The metrics of gptme, under the names that they have in Prometheus.

use std::time::Duration;

use crate::rules::TOKENS;

use prompush::{
    Buckets, Counter, CounterF64, Family, Histogram, LabelNames, Registry, RegistryError,
};

/// Bounds of gptme's own view for the duration of tool calls, in seconds.
const TOOL_BOUNDS: [f64; 9] = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0];

/// Bounds that gptme's skills have: the defaults of its SDK, so that histograms of both can be
/// summed by `le`.
const SKILL_BOUNDS: [f64; 15] = [
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0,
    10000.0,
];

/// Most series of a family: a model's name or an exception's type may come from outside.
const SERIES_MAX: usize = 500;

/// What kind of tokens they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenType {
    /// Given to the model, not from its cache.
    Input,
    /// Given by the model.
    Output,
    /// Given to the model from its cache.
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

/// How the model writes calls of tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolFormat {
    /// As blocks of code.
    Markdown,
    /// As XML.
    Xml,
    /// As the provider's own tool calls.
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

/// A call of a tool that has ended.
#[derive(Clone, Copy, Debug)]
pub struct ToolCall<'a> {
    /// The tool's name.
    pub tool: &'a str,
    /// How the call was written.
    pub format: ToolFormat,
    /// The type of the error that the tool failed with, such as `TimeoutError`: a small set of
    /// words, never the error's text. Nothing where it succeeded.
    pub error_type: Option<&'a str>,
    /// How long it took.
    pub duration: Duration,
}

/// How a skill ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkillStatus {
    /// It did what it was for.
    Completed,
    /// It failed.
    Failed,
    /// The session went on to something else.
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
    /// The skill's name.
    pub skill: &'a str,
    /// What it was invoked by.
    pub surface: &'a str,
    /// How it ended.
    pub status: SkillStatus,
    /// From invocation to end.
    pub duration: Duration,
    /// What was used meanwhile, where that is known.
    pub usage: Option<SkillUsage>,
}

/// What was used while a skill ran; other skills may have run as well.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SkillUsage {
    /// Tokens given to the model, not from its cache.
    pub input_tokens: u64,
    /// Tokens given by the model.
    pub output_tokens: u64,
    /// Tokens given to the model from its cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the model's cache.
    pub cache_creation_tokens: u64,
    /// The cost in US dollars.
    pub cost_usd: f64,
}

type Labelled<const N: usize, M> = Family<LabelNames<N>, M>;

/// The metrics of the catalogue.
#[derive(Debug)]
pub(super) struct Catalogue {
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
    /// Registers all of it.
    ///
    /// # Errors
    /// [`RegistryError`] where one of the names is taken.
    pub(super) fn register(registry: &Registry) -> Result<Self, RegistryError> {
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

    pub(super) fn tokens(&self, token_type: TokenType, tokens: u64) {
        self.tokens_processed.with([token_type.as_str()]).inc_by(tokens);
        self.tokens_processed.with(["total"]).inc_by(tokens);
        self.tokens.with([token_type.as_str()]).inc_by(tokens);
    }

    pub(super) fn llm_request(&self, provider: &str, model: &str, success: bool) {
        self.llm_requests.with([provider, model, word(success)]).inc();
    }

    pub(super) fn cost(&self, provider: &str, model: &str, usd: f64) {
        add_cost(self.llm_cost.with([provider, model]), usd);
    }

    pub(super) fn tool_call(&self, call: &ToolCall<'_>) {
        // To Prometheus an empty label is none.
        let error_type = call.error_type.unwrap_or_default();
        let labels = [call.tool, word(call.error_type.is_none()), call.format.as_str(), error_type];
        self.tool_calls.with(labels).inc();
        self.tool_duration.with(labels).observe(call.duration.as_secs_f64());
    }

    pub(super) fn skill_invoked(&self, skill: &str, surface: &str) {
        self.skill_invocations.with([skill, surface]).inc();
    }

    pub(super) fn skill_ended(&self, end: &SkillEnd<'_>) {
        let SkillEnd { skill, surface, status, duration, usage } = *end;
        let status = [skill, surface, status.as_str(), word(usage.is_some())];
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

/// A name with its help.
type Heading = (&'static str, &'static str);

fn counters<const N: usize>(
    registry: &Registry,
    (name, help): Heading,
    labels: [&str; N],
) -> Result<Labelled<N, Counter>, RegistryError> {
    Ok(registry.counter_family(name, help, labels)?.limit_series(SERIES_MAX))
}

fn costs<const N: usize>(
    registry: &Registry,
    (name, help): Heading,
    labels: [&str; N],
) -> Result<Labelled<N, CounterF64>, RegistryError> {
    Ok(registry.family::<CounterF64, N>(name, help, labels, ())?.limit_series(SERIES_MAX))
}

fn durations<const N: usize>(
    registry: &Registry,
    (name, help): Heading,
    labels: [&str; N],
    bounds: &[f64],
) -> Result<Labelled<N, Histogram>, RegistryError> {
    let buckets = Buckets::new(bounds.iter().copied())?;
    Ok(registry.histogram_family(name, help, labels, buckets)?.limit_series(SERIES_MAX))
}

fn word(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn add_cost(cost: &CounterF64, usd: f64) {
    if usd.is_finite() && usd >= 0.0 {
        cost.inc_by(usd);
    }
}
