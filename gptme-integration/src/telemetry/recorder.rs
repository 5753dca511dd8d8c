//! The recorder: what an agent calls, and where the metrics go.

use std::ffi::OsString;
use std::time::Duration;

use prompush::{Pusher, Registry};

use crate::environment::{Environment, GATEWAY};
use crate::error::TelemetryError;
use crate::instance_name::instance_name;
use crate::telemetry::catalogue::{Catalogue, SkillEnd, TokenType, ToolCall};
#[cfg(feature = "serve")]
use crate::telemetry::metrics_server::MetricsServer;

/// The job that an agent pushes as.
const JOB: &str = "gptme";

/// Records what an agent does. The metrics have the names that gptme's own metrics have in
/// Prometheus, so one dashboard shows both.
///
/// [`from_env`](Self::from_env) decides where the metrics go:
/// - Unless `GPTME_TELEMETRY_ENABLED` is true, nothing is recorded, and a call costs one comparison.
/// - If `PUSHGATEWAY_URL` is set, they are pushed there every `PROMPUSH_INTERVAL` and at the end,
///   as job `gptme` and instance `<host>:<pid>`.
/// - Otherwise, with the feature `serve`, they are served at `/metrics` on
///   `PROMETHEUS_ADDR:PROMETHEUS_PORT`.
///
/// Recording takes no lock and never waits. Dropping a `Telemetry` makes the last push, which takes
/// at most 5 s.
///
/// ```
/// use std::time::Duration;
/// use prompush_gptme::telemetry::{Telemetry, TokenType, ToolCall, ToolFormat};
///
/// let telemetry = Telemetry::from_env()?;
/// telemetry.llm_request("anthropic", "claude-sonnet-4-5", true);
/// telemetry.tokens(TokenType::Input, 1200);
/// telemetry.cost("anthropic", "claude-sonnet-4-5", 0.0042);
/// telemetry.tool_call(&ToolCall {
///     tool: "shell",
///     format: ToolFormat::Markdown,
///     error_type: None,
///     duration: Duration::from_millis(120),
/// });
/// telemetry.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), prompush_gptme::TelemetryError>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping it ends the telemetry"]
pub struct Telemetry {
    registry: Registry,
    /// `None` when telemetry is off.
    catalogue: Option<Box<Catalogue>>,
    destination: Destination,
}

/// The destination of the metrics.
#[derive(Debug)]
enum Destination {
    Nowhere,
    Push(Pusher),
    #[cfg(feature = "serve")]
    Serve(MetricsServer),
}

impl Telemetry {
    /// Starts telemetry as the environment variables of this process say.
    ///
    /// # Errors
    /// [`TelemetryError`] when a variable cannot be used, when telemetry is on without a gateway
    /// and without the feature `serve`, or when the address to serve on cannot be bound.
    pub fn from_env() -> Result<Self, TelemetryError> {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    /// Starts telemetry with the environment variables that `lookup` returns.
    ///
    /// # Errors
    /// As for [`from_env`](Self::from_env).
    pub fn from_lookup(
        mut lookup: impl FnMut(&str) -> Option<OsString>,
    ) -> Result<Self, TelemetryError> {
        let environment = Environment::from_lookup(&mut lookup)?;
        if !environment.telemetry_enabled {
            return Ok(Self::off());
        }
        let registry = Registry::new();
        let catalogue = Catalogue::register(&registry)
            .map_err(|source| TelemetryError::Registry { source: Box::new(source) })?;
        let gateway = environment.gateway.is_some().then(|| lookup(GATEWAY)).flatten();
        let destination = match gateway.as_ref().and_then(|url| url.to_str()) {
            Some(url) => Destination::Push(push(url, &environment, &registry)?),
            None => serve(&environment, &registry)?,
        };
        Ok(Self { registry, catalogue: Some(Box::new(catalogue)), destination })
    }

    /// Creates telemetry that is off: recording does nothing.
    pub fn off() -> Self {
        Self { registry: Registry::new(), catalogue: None, destination: Destination::Nowhere }
    }

    /// Whether anything is recorded.
    pub fn is_on(&self) -> bool {
        self.catalogue.is_some()
    }

    /// The registry of the metrics. Metrics that the program registers there are pushed or served
    /// with the others. When telemetry is off, the registry is neither pushed nor served.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The addresses that `/metrics` is served on; empty when it is not served.
    #[cfg(feature = "serve")]
    pub fn addresses(&self) -> &[std::net::SocketAddr] {
        match &self.destination {
            Destination::Serve(server) => server.addresses(),
            _ => &[],
        }
    }

    /// Records tokens that a model read or wrote. The token type `total` is added up from the
    /// others.
    pub fn tokens(&self, token_type: TokenType, tokens: u64) {
        if let Some(catalogue) = &self.catalogue {
            catalogue.tokens(token_type, tokens);
        }
    }

    /// Records a request to a model, and whether it succeeded.
    pub fn llm_request(&self, provider: &str, model: &str, success: bool) {
        if let Some(catalogue) = &self.catalogue {
            catalogue.llm_request(provider, model, success);
        }
    }

    /// Records the cost of requests, in US dollars. A negative or infinite cost, and NaN, are
    /// ignored.
    pub fn cost(&self, provider: &str, model: &str, usd: f64) {
        if let Some(catalogue) = &self.catalogue {
            catalogue.cost(provider, model, usd);
        }
    }

    /// Records a tool call that has ended.
    pub fn tool_call(&self, call: &ToolCall<'_>) {
        if let Some(catalogue) = &self.catalogue {
            catalogue.tool_call(call);
        }
    }

    /// Records that a skill was invoked. `surface` is what invoked it, in gptme
    /// `gptme-slash-command`.
    pub fn skill_invoked(&self, skill: &str, surface: &str) {
        if let Some(catalogue) = &self.catalogue {
            catalogue.skill_invoked(skill, surface);
        }
    }

    /// Records that a skill has ended.
    pub fn skill_ended(&self, end: &SkillEnd<'_>) {
        if let Some(catalogue) = &self.catalogue {
            catalogue.skill_ended(end);
        }
    }

    /// Pushes now, and waits for the gateway to acknowledge, for `deadline` at most. Does nothing
    /// without a gateway.
    ///
    /// # Errors
    /// [`TelemetryError::Push`] when the gateway has not acknowledged the push.
    pub fn flush(&self, deadline: Duration) -> Result<(), TelemetryError> {
        if let Destination::Push(pusher) = &self.destination {
            pusher.flush(deadline)?;
        }
        Ok(())
    }

    /// Ends telemetry: makes the last push within `deadline`, or stops serving.
    ///
    /// # Errors
    /// [`TelemetryError::Push`] when the gateway has not acknowledged the last push.
    pub fn shutdown(self, deadline: Duration) -> Result<(), TelemetryError> {
        match self.destination {
            Destination::Nowhere => Ok(()),
            Destination::Push(pusher) => Ok(pusher.shutdown(deadline)?),
            #[cfg(feature = "serve")]
            Destination::Serve(server) => {
                drop(server);
                Ok(())
            }
        }
    }
}

fn push(
    url: &str,
    environment: &Environment,
    registry: &Registry,
) -> Result<Pusher, TelemetryError> {
    Ok(Pusher::builder(url, JOB)?
        .group("instance", &instance_name())
        .interval(environment.interval)
        .spawn(registry.clone())?)
}

#[cfg(feature = "serve")]
fn serve(environment: &Environment, registry: &Registry) -> Result<Destination, TelemetryError> {
    let (host, port) = (&environment.prometheus_addr, environment.prometheus_port);
    MetricsServer::start(host, port, registry.clone()).map(Destination::Serve)
}

#[cfg(not(feature = "serve"))]
fn serve(_: &Environment, _: &Registry) -> Result<Destination, TelemetryError> {
    Err(TelemetryError::NoDestination)
}
