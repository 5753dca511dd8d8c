//! The time that gptme's exit takes, with prompush and without telemetry.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use prompush_testing::{Answer, ScriptedServer};

use super::environment::Environment;
use super::instances::Bridge;

/// The number of runs of each case. The cases take turns, so that a disturbance of the machine affects all cases.
const ROUNDS: usize = 5;

/// A loopback port where nothing listens.
const REFUSES: &str = "http://127.0.0.1:9";

/// A shell script that runs a command with all its output on stdout, and writes the time at which the command ended to
/// a file.
const STAMPED: &str = r#"stamp=$1; shift; "$@" 2>&1; code=$?; date +%s%N >"$stamp"; exit $code"#;

/// The text that gptme prints when the session is over.
const COMPLETED: &str = "Session completed";
/// The last text that gptme prints before it exits.
const GOODBYE: &str = "Goodbye!";

/// The time limit of one run, in seconds.
const RUN_WITHIN_S: &str = "240";

/// One way to run gptme.
struct Case {
    name: &'static str,
    setup: Setup,
    gateway: Endpoint,
    /// The receiver of traces; `None` when traces are not passed on.
    traces: Option<Endpoint>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Setup {
    Nothing,
    Run,
    Bridge,
}

#[derive(Clone, Copy)]
enum Endpoint {
    Up,
    Down,
    Hangs,
}

const CASES: [Case; 10] = [
    Case {
        name: "no telemetry, no prompush",
        setup: Setup::Nothing,
        gateway: Endpoint::Up,
        traces: None,
    },
    Case { name: "run, gateway up", setup: Setup::Run, gateway: Endpoint::Up, traces: None },
    Case { name: "run, gateway down", setup: Setup::Run, gateway: Endpoint::Down, traces: None },
    Case { name: "run, gateway hangs", setup: Setup::Run, gateway: Endpoint::Hangs, traces: None },
    Case {
        name: "run, traces refused",
        setup: Setup::Run,
        gateway: Endpoint::Up,
        traces: Some(Endpoint::Down),
    },
    Case {
        name: "run, trace endpoint hangs",
        setup: Setup::Run,
        gateway: Endpoint::Up,
        traces: Some(Endpoint::Hangs),
    },
    Case { name: "bridge, gateway up", setup: Setup::Bridge, gateway: Endpoint::Up, traces: None },
    Case {
        name: "bridge, gateway down",
        setup: Setup::Bridge,
        gateway: Endpoint::Down,
        traces: None,
    },
    Case {
        name: "bridge, gateway hangs",
        setup: Setup::Bridge,
        gateway: Endpoint::Hangs,
        traces: None,
    },
    Case {
        name: "bridge, trace endpoint hangs",
        setup: Setup::Bridge,
        gateway: Endpoint::Up,
        traces: Some(Endpoint::Hangs),
    },
];

/// The measurements of one run.
struct Measured {
    /// The time from the end of the session to gptme's last text. gptme shuts its telemetry down in between.
    telemetry: Duration,
    /// The time from the end of the session to the end of gptme.
    gptme: Duration,
    /// The time from the end of gptme to the end of the outer command.
    wrapper: Duration,
}

/// Measures every case, and prints a table of medians and extremes.
pub(super) fn measure(environment: &Environment) -> Result<()> {
    let hangs = ScriptedServer::start([Answer::Hang]);
    let mut measured: Vec<Vec<Measured>> = CASES.iter().map(|_| Vec::new()).collect();
    for round in 0..ROUNDS {
        for (case, measured) in CASES.iter().zip(&mut measured) {
            measured.push(once(environment, case, &hangs, round)?);
        }
    }
    println!(
        "{ROUNDS} runs each, gptme {}; milliseconds: median (least, most)",
        environment.gptme.version
    );
    let columns = ["session to goodbye", "session to gptme's end", "from there to prompush's"];
    println!("{:<28} {:>24} {:>24} {:>24}", "", columns[0], columns[1], columns[2]);
    for (case, measured) in CASES.iter().zip(&measured) {
        let telemetry = summary(measured.iter().map(|measured| measured.telemetry));
        let gptme = summary(measured.iter().map(|measured| measured.gptme));
        let wrapper = summary(measured.iter().map(|measured| measured.wrapper));
        println!("{:<28} {telemetry:>24} {gptme:>24} {wrapper:>24}", case.name);
    }
    Ok(())
}

fn once(
    environment: &Environment,
    case: &Case,
    hangs: &ScriptedServer,
    round: usize,
) -> Result<Measured> {
    let url = |endpoint: Endpoint, up: &str| match endpoint {
        Endpoint::Up => up.to_owned(),
        Endpoint::Down => REFUSES.to_owned(),
        Endpoint::Hangs => hangs.url(),
    };
    let gateway = url(case.gateway, environment.gateway.url());
    let traces = case.traces.map(|endpoint| url(endpoint, REFUSES));
    let bridge = match case.setup {
        Setup::Bridge => Some(Bridge::start(environment, &gateway, traces.as_deref())?),
        _ => None,
    };
    let stamp = environment.folder.path().join("stamp");
    let mut command = match case.setup {
        Setup::Run => run_command(environment, &gateway, traces.as_deref())?,
        _ => environment.command("timeout")?,
    };
    command.args([RUN_WITHIN_S, "sh", "-c", STAMPED, "sh"]).arg(&stamp);
    command.args(environment.gptme_arguments("local/exit", "print(\"hello\")"));
    match &bridge {
        Some(bridge) => command.env("OTLP_ENDPOINT", bridge.endpoint()),
        None if case.setup == Setup::Nothing => command.env("GPTME_TELEMETRY_ENABLED", "false"),
        None => &mut command,
    };
    command.env("PYTHONUNBUFFERED", "1").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().context("cannot start a run")?;
    let mut times = [None; 2];
    for line in BufReader::new(child.stdout.take().context("stdout is a pipe")?).lines() {
        let line = line?;
        for (time, words) in times.iter_mut().zip([COMPLETED, GOODBYE]) {
            if time.is_none() && line.contains(words) {
                *time = Some(now());
            }
        }
    }
    let status = child.wait()?;
    let ended = now();
    environment.interrupt.check()?;
    ensure!(status.success(), "{} {round}: ended with {status}", case.name);
    let [Some(completed), Some(goodbye)] = times else {
        bail!("{} {round}: gptme did not say that it was done", case.name)
    };
    let stamped = fs::read_to_string(&stamp)?;
    let gptme_ended = Duration::from_nanos(stamped.trim().parse().context("`date` gives no time")?);
    Ok(Measured {
        telemetry: goodbye.saturating_sub(completed),
        gptme: gptme_ended.saturating_sub(completed),
        wrapper: ended.saturating_sub(gptme_ended),
    })
}

/// The command `prompush run` around a shell. It needs `--otlp`, because `run` does not recognize a shell as gptme.
fn run_command(environment: &Environment, gateway: &str, traces: Option<&str>) -> Result<Command> {
    let mut command = environment.command("prompush")?;
    command.args(["run", "--otlp", "--job", "gptme", "--gateway", gateway, "--quiet"]);
    if let Some(traces) = traces {
        command.env("OTLP_ENDPOINT", traces);
    }
    command.args(["--", "timeout"]);
    Ok(command)
}

fn summary(times: impl Iterator<Item = Duration>) -> String {
    let mut times: Vec<u128> = times.map(|time| time.as_millis()).collect();
    times.sort_unstable();
    match (times.first(), times.get(times.len() / 2), times.last()) {
        (Some(least), Some(median), Some(most)) => format!("{median} ({least}, {most})"),
        _ => "nothing".to_owned(),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "compared with the times that other programs write down"
)]
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_has_the_median_and_the_extremes() {
        let times = [30, 10, 20].map(Duration::from_millis);
        assert_eq!(summary(times.into_iter()), "20 (10, 30)");
    }
}
