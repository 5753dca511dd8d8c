//! Runs instances of gptme, and kills some of them. No token may be lost or counted twice.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::environment::{Environment, RUN_WITHIN, Running};
use super::totals;
use crate::process;

/// A prompt with this text makes the model hold its second answer back.
pub(super) const HOLD: &str = "hold two answers";

/// The longest time from an answer of the model to its tokens on the gateway: gptme exports every ten seconds.
const EXPORTED_WITHIN: Duration = Duration::from_mins(2);

/// A model whose price gptme knows, so that gptme counts the cost. One of the instances uses it.
const PRICED: &str = "gpt-4o-mini";

/// The name of a model on gptme's command line.
fn model_of(name: &str) -> String {
    if name == PRICED { format!("openai/{name}") } else { format!("local/{name}") }
}

/// The path of gptme's metrics to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// One `prompush run` around each instance.
    Run,
    /// One `prompush bridge` for all instances.
    Bridge,
}

impl Mode {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Bridge => "bridge",
        }
    }
}

/// Runs `count` instances at the same time, and one more that is killed after its first export.
pub(super) fn run_concurrently(environment: &Environment, mode: Mode, count: usize) -> Result<()> {
    let bridge = Bridge::start_for(environment, mode)?;
    let killed = format!("{}-killed", mode.name());
    let mut victim = start(environment, mode, bridge.as_ref(), &killed, HOLD)?;
    let mut names: Vec<String> =
        (0..count).map(|number| format!("{}-{number}", mode.name())).collect();
    if let (Mode::Run, Some(first)) = (mode, names.first_mut()) {
        PRICED.clone_into(first);
    }
    let mut running = Vec::new();
    for name in &names {
        running.push(start(environment, mode, bridge.as_ref(), name, "print(\"hello\")")?);
    }
    kill_once_exported(environment, mode, &mut victim)?;
    for instance in &mut running {
        instance.succeed()?;
    }
    names.push(killed);
    totals::check(environment, &names)
}

/// Runs instances one after the other, and kills every fifth after its first export.
pub(super) fn run_in_sequence(environment: &Environment, mode: Mode, count: usize) -> Result<()> {
    let bridge = Bridge::start_for(environment, mode)?;
    let mut names = Vec::new();
    for number in 1..=count {
        let name = format!("{}-row-{number}", mode.name());
        if number % 5 == 0 {
            let mut victim = start(environment, mode, bridge.as_ref(), &name, HOLD)?;
            kill_once_exported(environment, mode, &mut victim)?;
        } else {
            start(environment, mode, bridge.as_ref(), &name, "print(\"hello\")")?.succeed()?;
        }
        names.push(name);
    }
    totals::check(environment, &names)
}

/// Starts an instance that uses a model of its own name.
pub(super) fn start(
    environment: &Environment,
    mode: Mode,
    bridge: Option<&Bridge>,
    name: &str,
    prompt: &str,
) -> Result<Running> {
    let model = model_of(name);
    let command = match (mode, bridge) {
        (Mode::Bridge, Some(bridge)) => {
            let mut command = gptme(environment, &model, prompt)?;
            command.env("OTLP_ENDPOINT", bridge.endpoint());
            command
        }
        _ => wrapped(environment, &[], &model, prompt)?,
    };
    environment.spawn(command, name)
}

/// The command that runs gptme without a wrapper.
pub(super) fn gptme(environment: &Environment, model: &str, prompt: &str) -> Result<Command> {
    let arguments = environment.gptme_arguments(model, prompt);
    let (program, arguments) = arguments.split_first().context("gptme has a name")?;
    let mut command = environment.command(program)?;
    command.args(arguments);
    Ok(command)
}

/// The command that runs gptme under `prompush run` with the given options.
pub(super) fn wrapped(
    environment: &Environment,
    options: &[&str],
    model: &str,
    prompt: &str,
) -> Result<Command> {
    let mut command = environment.command("prompush")?;
    command.arg("run").args(options).arg("--").args(environment.gptme_arguments(model, prompt));
    Ok(command)
}

/// Kills gptme with SIGKILL, once the gateway has the tokens of its first answer.
fn kill_once_exported(environment: &Environment, mode: Mode, victim: &mut Running) -> Result<()> {
    let instance = wait_until_exported(environment, victim)?;
    let process = match mode {
        Mode::Run => process_of(&instance)?,
        Mode::Bridge => victim.id(),
    };
    process::signal(process, "KILL")?;
    let status = victim.wait()?;
    ensure!(!status.success(), "{} was killed, and ended with {status}", victim.name);
    Ok(())
}

/// Waits until gptme has exported, and returns the `instance` label of its group.
pub(super) fn wait_until_exported(
    environment: &Environment,
    running: &mut Running,
) -> Result<String> {
    let model = format!("model=\"{}\"", model_of(&running.name));
    let what = format!("{} on the gateway", running.name);
    let found = environment.interrupt.wait_for(EXPORTED_WITHIN.max(RUN_WITHIN), &what, || {
        let exposed =
            prompush_testing::http::get(environment.gateway.address(), "/metrics")?.text();
        let line = exposed
            .lines()
            .find(|line| line.starts_with("gptme_llm_requests_total{") && line.contains(&model));
        if let Some(line) = line {
            return Ok(label(line, "instance"));
        }
        ensure!(running.is_running()?, "it has ended");
        Ok(None)
    });
    found.with_context(|| running.output())
}

/// The process ID in an instance of the default form `host:process`.
fn process_of(instance: &str) -> Result<u32> {
    let (_, process) =
        instance.rsplit_once(':').with_context(|| format!("`{instance}` has no process"))?;
    process.parse().with_context(|| format!("`{instance}` names no process"))
}

/// The value of a label in a line of an exposition. The values here contain no escapes.
fn label(line: &str, name: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!("{name}=\""))?;
    rest.split('"').next().map(str::to_owned)
}

/// A running `prompush bridge`.
pub(super) struct Bridge {
    running: Running,
    address: std::net::SocketAddr,
}

impl Bridge {
    fn start_for(environment: &Environment, mode: Mode) -> Result<Option<Self>> {
        (mode == Mode::Bridge)
            .then(|| Self::start(environment, environment.gateway.url(), None))
            .transpose()
    }

    /// Starts a bridge on a free port. The bridge pushes to `gateway`, and passes traces on to `traces`.
    pub(super) fn start(
        environment: &Environment,
        gateway: &str,
        traces: Option<&str>,
    ) -> Result<Self> {
        let address = prompush_testing::free_address();
        let mut command = environment.command("prompush")?;
        command.args(["bridge", "--listen", &address.to_string(), "--gateway", gateway]);
        command.args(traces.map(|traces| ["--traces-to", traces]).into_iter().flatten());
        let mut bridge = Self {
            running: environment.spawn(command, &format!("bridge-{}", address.port()))?,
            address,
        };
        environment.interrupt.wait_for(Duration::from_secs(20), "the bridge to listen", || {
            ensure!(bridge.running.is_running()?, "it has ended: {}", bridge.running.output());
            Ok(std::net::TcpStream::connect(bridge.address).ok().map(drop))
        })?;
        Ok(bridge)
    }

    /// The value of `OTLP_ENDPOINT` for gptme.
    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_names_its_process() {
        let line = r#"gptme_llm_requests_total{instance="a:b:17",job="gptme",model="local/x"} 1"#;
        let instance = label(line, "instance").expect("it has one");
        assert_eq!(process_of(&instance).expect("a number"), 17);
        assert_eq!(label(line, "host"), None);
        assert!(process_of("host").is_err());
    }
}
