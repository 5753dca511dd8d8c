//! Ends gptme under `prompush run` in different ways. The last values must arrive in each case.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use prompush_testing::{Pushgateway, Version};

use super::environment::{Environment, RUN_WITHIN, Running};
use super::instances::{HOLD, Mode, start, wait_until_exported, wrapped};
use super::totals;
use crate::process;

/// The longest time from the end of gptme to the end of its last push: the deadline of `prompush run`, and more for a
/// busy machine.
const PUSHED_WITHIN: Duration = Duration::from_secs(30);

/// One way to end gptme.
struct Shutdown {
    name: &'static str,
    /// The process that gets the signals.
    target: SignalTarget,
    signals: &'static [&'static str],
    /// The exit code of the wrapper. `None` when gptme ends normally despite the signal, with exit code 0.
    code: Option<i32>,
    /// Whether gptme exports at its end. If not, the signal waits until gptme has exported.
    flushes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SignalTarget {
    Gptme,
    Wrapper,
}

const SHUTDOWNS: [Shutdown; 4] = [
    Shutdown {
        name: "end-term",
        target: SignalTarget::Gptme,
        signals: &["TERM"],
        code: Some(143),
        flushes: true,
    },
    Shutdown {
        name: "end-int",
        target: SignalTarget::Gptme,
        signals: &["INT", "INT"],
        code: None,
        flushes: true,
    },
    Shutdown {
        name: "end-wrapper-term",
        target: SignalTarget::Wrapper,
        signals: &["TERM"],
        code: Some(143),
        flushes: true,
    },
    Shutdown {
        name: "end-wrapper-hup",
        target: SignalTarget::Wrapper,
        signals: &["HUP"],
        code: Some(129),
        flushes: false,
    },
];

/// Ends one gptme in each way, all at the same time, and checks the totals.
pub(super) fn last_values_arrive(environment: &Environment) -> Result<()> {
    let held = environment.model.held();
    let mut running = Vec::new();
    for shutdown in &SHUTDOWNS {
        running.push(start(environment, Mode::Run, None, shutdown.name, HOLD)?);
    }
    let mut terminal = in_a_terminal(environment, "end-terminal")?;
    wait_until_held(environment, held + running.len() as u64 + 1)?;
    for (shutdown, wrapper) in SHUTDOWNS.iter().zip(&mut running) {
        shut_down(environment, shutdown, wrapper).with_context(|| shutdown.name)?;
    }
    close_terminal(environment, &mut terminal)?;
    let names =
        SHUTDOWNS.iter().map(|shutdown| shutdown.name.to_owned()).chain([terminal.name.clone()]);
    totals::check(environment, &names.collect::<Vec<_>>())
}

/// Ends gptme while the gateway is down. The values must wait on disk, and a flush must push them.
pub(super) fn last_values_are_spooled(environment: &Environment) -> Result<()> {
    let mut gateway =
        Pushgateway::start(Version::Sid).context("this machine has no Pushgateway for tests")?;
    let url = gateway.url().to_owned();
    let spool = environment.folder.path().join("spool");
    let spool = spool.to_str().context("the temporary folder is no UTF-8")?;
    let name = "end-spool";
    let held = environment.model.held();
    let options = ["--gateway", &url, "--spool", spool];
    let command = wrapped(environment, &options, &format!("local/{name}"), HOLD)?;
    let mut wrapper = environment.spawn(command, name)?;
    wait_until_held(environment, held + 1)?;
    gateway.kill();
    process::signal(child_of(wrapper.id())?, "TERM")?;
    let status = wrapper.wait()?;
    ensure!(code_of(status) == Some(143), "{name} ended with {status}");
    gateway.restart();
    let mut flush = environment.command("prompush")?;
    flush.args(["spool", "flush", "--spool", spool]);
    let flushed = process::capture(&mut flush, PUSHED_WITHIN, &environment.interrupt)?;
    let served = *environment.model.served().get(name).context("the model served nothing")?;
    let total = format!("token_type=\"total\"}} {}", served.total());
    let exposed = gateway.metrics();
    let arrived = exposed
        .lines()
        .any(|line| line.starts_with("gptme_tokens_processed_total{") && line.ends_with(&total));
    ensure!(arrived, "the gateway does not say `{total}`: {flushed}\n{exposed}");
    Ok(())
}

fn wait_until_held(environment: &Environment, held: u64) -> Result<()> {
    let what = format!("{held} instances that wait for an answer");
    environment
        .interrupt
        .wait_for(RUN_WITHIN, &what, || Ok((environment.model.held() >= held).then_some(())))
}

fn shut_down(environment: &Environment, shutdown: &Shutdown, wrapper: &mut Running) -> Result<()> {
    if !shutdown.flushes {
        wait_until_exported(environment, wrapper)?;
    }
    let process = match shutdown.target {
        SignalTarget::Wrapper => wrapper.id(),
        SignalTarget::Gptme => child_of(wrapper.id())?,
    };
    // Each signal but the first comes while gptme waits for the next answer. The count is read before the signal, because
    // gptme may ask again at once.
    let held = environment.model.held();
    for (signal, answers) in shutdown.signals.iter().zip(0..) {
        wait_until_held(environment, held + answers)?;
        process::signal(process, signal)?;
    }
    let status = wrapper.wait()?;
    ensure!(
        code_of(status) == Some(shutdown.code.unwrap_or(0)),
        "{} ended with {status}",
        shutdown.name
    );
    Ok(())
}

/// The exit code that a shell reports.
fn code_of(status: ExitStatus) -> Option<i32> {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal))
}

/// Starts `prompush run` in a terminal of its own.
fn in_a_terminal(environment: &Environment, name: &str) -> Result<Running> {
    let command = wrapped(environment, &[], &format!("local/{name}"), HOLD)?;
    let line = process::shown_words(&command);
    let mut script = environment.command("script")?;
    script.args(["--quiet", "--flush", "--command", &line, "/dev/null"]);
    environment.spawn(script, name)
}

/// Closes the terminal as a user closes a window: the program that holds the terminal ends, and the kernel sends
/// SIGHUP.
fn close_terminal(environment: &Environment, terminal: &mut Running) -> Result<()> {
    let instance = wait_until_exported(environment, terminal)?;
    process::signal(terminal.id(), "KILL")?;
    terminal.wait()?;
    // The wrapper is no child of this task any more. Its last push says that it has seen the shutdown.
    let query = format!("job_last_completion_timestamp_seconds{{instance=\"{instance}\"}}");
    environment.interrupt.wait_for(PUSHED_WITHIN, "the wrapper's last push", || {
        let answer = environment.prometheus.query(&query)?;
        Ok(answer.get(0).map(drop))
    })
}

/// The only child of a process.
fn child_of(parent: u32) -> Result<u32> {
    for entry in fs::read_dir("/proc")? {
        let Ok(process) = entry?.file_name().to_string_lossy().parse() else { continue };
        // A process may end between the two reads.
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // The probe of the process group is a child as well; process IDs start again at 1, so it may come first.
        let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        if parent_in(&stat) == Some(parent) && !line.starts_with(b"signal-probe") {
            return Ok(process);
        }
    }
    Err(anyhow::anyhow!("process {parent} has no child"))
}

/// The parent's process ID in a line `pid (name) state ppid …`. The name may contain any character.
fn parent_in(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_read_whatever_the_name_is() {
        assert_eq!(parent_in("17 (a) b) S 5 17 17"), Some(5));
        assert_eq!(parent_in(""), None);
    }
}
