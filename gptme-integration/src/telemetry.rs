//! A typed recorder for agents written in Rust: gptme's catalogue, pushed or served.

mod catalogue;
#[cfg(feature = "serve")]
mod metrics_server;

use std::ffi::OsString;
use std::time::Duration;

use prompush::{Pusher, Registry};

use crate::environment::Environment;
use crate::error::TelemetryError;
use crate::instance_name::instance_name;
use catalogue::Catalogue;
pub use catalogue::{SkillEnd, SkillStatus, SkillUsage, TokenType, ToolCall, ToolFormat};
#[cfg(feature = "serve")]
use metrics_server::MetricsServer;

/// The job under which an agent pushes unless it says another.
const JOB: &str = "gptme";

/// Records what an agent does, under the names that gptme's own metrics have in Prometheus, so
/// that one dashboard shows both.
///
/// [`from_env`](Self::from_env) decides what happens with it: pushed to `PUSHGATEWAY_URL` every
/// `PROMPUSH_INTERVAL` and at the end, as job `gptme` and instance `<host>:<pid>`; where that is
/// not set, and with the feature `serve`, shown at `/metrics` on
/// `PROMETHEUS_ADDR:PROMETHEUS_PORT`. Unless `GPTME_TELEMETRY_ENABLED` is true nothing happens at
/// all, and recording costs one comparison.
///
/// Recording takes no lock and never waits. Dropping it makes the last push, within 5 s.
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
#[must_use = "dropping it ends it"]
pub struct Telemetry {
    registry: Registry,
    /// Nothing where telemetry is off.
    catalogue: Option<Box<Catalogue>>,
    output: Output,
}

/// Where what was recorded goes.
#[derive(Debug)]
enum Output {
    Nowhere,
    Push(Pusher),
    #[cfg(feature = "serve")]
    Serve(MetricsServer),
}

impl Telemetry {
    /// Starts what the environment of this process asks for.
    ///
    /// # Errors
    /// [`TelemetryError`] where a variable cannot be used, where telemetry is on and there is
    /// neither a gateway nor the feature `serve`, and where the port to serve on is taken.
    pub fn from_env() -> Result<Self, TelemetryError> {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    /// Starts what the variables that `lookup` gives ask for.
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
        let gateway = environment.gateway.is_some().then(|| lookup(Environment::GATEWAY)).flatten();
        let output = match gateway.as_ref().and_then(|url| url.to_str()) {
            Some(url) => Output::Push(push(url, &environment, &registry)?),
            None => serve(&environment, &registry)?,
        };
        Ok(Self { registry, catalogue: Some(Box::new(catalogue)), output })
    }

    /// Telemetry that is off: recording does nothing.
    pub fn off() -> Self {
        Self { registry: Registry::new(), catalogue: None, output: Output::Nowhere }
    }

    /// Whether anything is recorded.
    pub fn is_on(&self) -> bool {
        self.catalogue.is_some()
    }

    /// Where metrics of the program's own are registered, to go the same way as the catalogue.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The address that `/metrics` is served on; nothing where it is not.
    #[cfg(feature = "serve")]
    pub fn addresses(&self) -> &[std::net::SocketAddr] {
        match &self.output {
            Output::Serve(server) => server.addresses(),
            _ => &[],
        }
    }

    /// Tokens that a model was given or gave. The type `total` is kept by itself.
    pub fn tokens(&self, token_type: TokenType, tokens: u64) {
        if let Some(catalogue) = &self.catalogue {
            catalogue.tokens(token_type, tokens);
        }
    }

    /// A request to a model, that was answered or not.
    pub fn llm_request(&self, provider: &str, model: &str, success: bool) {
        if let Some(catalogue) = &self.catalogue {
            catalogue.llm_request(provider, model, success);
        }
    }

    /// What requests have cost, in US dollars. What is negative or not a number is ignored.
    pub fn cost(&self, provider: &str, model: &str, usd: f64) {
        if let Some(catalogue) = &self.catalogue {
            catalogue.cost(provider, model, usd);
        }
    }

    /// A call of a tool that has ended.
    pub fn tool_call(&self, call: &ToolCall<'_>) {
        if let Some(catalogue) = &self.catalogue {
            catalogue.tool_call(call);
        }
    }

    /// A skill that was invoked; `surface` says by what, for gptme `gptme-slash-command`.
    pub fn skill_invoked(&self, skill: &str, surface: &str) {
        if let Some(catalogue) = &self.catalogue {
            catalogue.skill_invoked(skill, surface);
        }
    }

    /// A skill that has ended.
    pub fn skill_ended(&self, end: &SkillEnd<'_>) {
        if let Some(catalogue) = &self.catalogue {
            catalogue.skill_ended(end);
        }
    }

    /// Pushes now, and waits at most `deadline` for the gateway to acknowledge. Where nothing is
    /// pushed it does nothing.
    ///
    /// # Errors
    /// [`TelemetryError::Push`] where it has not.
    pub fn flush(&self, deadline: Duration) -> Result<(), TelemetryError> {
        if let Output::Push(pusher) = &self.output {
            pusher.flush(deadline)?;
        }
        Ok(())
    }

    /// Ends: makes the last push, or stops serving, within `deadline`.
    ///
    /// # Errors
    /// [`TelemetryError::Push`] where the gateway has not acknowledged the last push.
    pub fn shutdown(self, deadline: Duration) -> Result<(), TelemetryError> {
        match self.output {
            Output::Nowhere => Ok(()),
            Output::Push(pusher) => Ok(pusher.shutdown(deadline)?),
            #[cfg(feature = "serve")]
            Output::Serve(server) => {
                server.stop();
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
fn serve(environment: &Environment, registry: &Registry) -> Result<Output, TelemetryError> {
    let (host, port) = (&environment.prometheus_addr, environment.prometheus_port);
    MetricsServer::start(host, port, registry.clone()).map(Output::Serve)
}

#[cfg(not(feature = "serve"))]
fn serve(_: &Environment, _: &Registry) -> Result<Output, TelemetryError> {
    Err(TelemetryError::NoOutput)
}
