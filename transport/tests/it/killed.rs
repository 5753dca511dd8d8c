//! Guards recovery after killed programs and stopped gateways: afterwards the gateway holds the last state
//! of each program that ended cleanly, and never goes back to an older state.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use prompush::{Gateway, GatewayConfig, Pusher, Registry, Spool};
use prompush_testing::{Pushgateway, Version, wait_for};
use tempfile::tempdir;

use crate::support;
use crate::support::SOON;

const RUNS: u32 = 45;
/// The number of states of a program.
const STATES: u32 = 30;

/// The variables of the program that is killed: the gateway's URL, the spool, the first state.
const VARIABLES: [&str; 3] = ["KILLED_URL", "KILLED_SPOOL", "KILLED_FROM"];

fn config() -> GatewayConfig {
    support::config()
        .attempt_timeout(Duration::from_millis(150))
        .retry_delay_max(Duration::from_millis(50))
}

/// The program that is killed; in a normal test run it does nothing. It counts up, and prints at its end
/// whether its last state is safe.
#[test]
#[expect(clippy::disallowed_methods, reason = "the program is told by its environment")]
fn program() {
    let [Ok(url), Ok(spool), Ok(from)] = VARIABLES.map(std::env::var) else { return };
    let from: u32 = from.parse().unwrap();
    let registry = Registry::new();
    let state = registry.gauge("state", "").unwrap();
    state.set(f64::from(from));
    let builder = Pusher::builder(&url, "x").unwrap().config(config()).spool(spool);
    let pusher = builder.interval(Duration::from_millis(7)).spawn(registry).unwrap();
    for at in from..from + STATES {
        state.set(f64::from(at));
        if at % 5 == 0 {
            pusher.flush(Duration::from_millis(20)).ok(); // what fails is kept
        }
        wait_a_moment(Duration::from_millis(2));
    }
    match pusher.shutdown(Duration::from_millis(200)) {
        Ok(()) => println!("ended cleanly"),
        Err(error) if error.spooled_in().is_some() => println!("ended cleanly"),
        Err(error) => println!("{error}"),
    }
}

/// Waits for a moment. The moments of the kills are the subject of this test.
fn wait_a_moment(moment: Duration) {
    let (_sender, nothing) = mpsc::channel::<()>();
    nothing.recv_timeout(moment).ok();
}

fn start(url: &str, spool: &Path, from: u32) -> Child {
    let this = std::env::current_exe().expect("this program");
    let mut command = Command::new(this);
    command.args(["--exact", "killed::program", "--nocapture"]).stdout(Stdio::piped());
    let [url_variable, spool_variable, from_variable] = VARIABLES;
    command.env(url_variable, url).env(spool_variable, spool);
    command.env(from_variable, from.to_string());
    command.spawn().expect("it starts")
}

/// Waits for the end of the program. Returns whether the program ended cleanly.
fn ended_cleanly(mut child: Child) -> bool {
    let mut output = String::new();
    wait_for(SOON, "the program ends", || child.try_wait().expect("it can be waited for"));
    child.stdout.take().expect("it is piped").read_to_string(&mut output).expect("text");
    output.contains("ended cleanly")
}

fn signal(gateway: &Pushgateway, signal: &str) {
    let done = Command::new("kill").args([signal, &gateway.id().to_string()]).status();
    assert!(done.expect("`kill` is there").success());
}

/// The state that the gateway holds.
fn held(gateway: &Pushgateway) -> Option<u32> {
    let exposed = gateway.metrics();
    let value =
        exposed.lines().find_map(|line| line.strip_prefix("state{instance=\"\",job=\"x\"} "));
    value.map(|value| value.parse().expect("a whole number"))
}

#[test]
fn the_last_state_arrives_and_never_an_older_one() {
    let Some(gateway) = Pushgateway::start(Version::Sid) else { return };
    let dir = tempdir().unwrap();
    let client = Gateway::with_config(gateway.url(), config().total_timeout(SOON)).unwrap();
    let spool = Spool::new(dir.path());
    let (mut highest, mut clean) = (None, 0);
    for run in 0..RUNS {
        let from = run * STATES;
        let mut child = start(gateway.url(), dir.path(), from);
        let stops = run % 3 > 0;
        if stops {
            wait_a_moment(Duration::from_millis(u64::from(run * 7 % 120)));
            signal(&gateway, "-STOP");
        }
        if run % 4 == 0 {
            wait_a_moment(Duration::from_millis(u64::from(run * 11 % 200)));
            child.kill().unwrap();
        }
        if stops && run % 2 == 0 {
            wait_a_moment(Duration::from_millis(u64::from(run * 13 % 150)));
            signal(&gateway, "-CONT");
        }
        let cleanly = ended_cleanly(child);
        if stops {
            signal(&gateway, "-CONT");
            // Lets the gateway take stuck requests: no sender can beat a request that arrives arbitrarily late.
            wait_a_moment(Duration::from_millis(50));
        }
        clean += u32::from(cleanly);
        let before = held(&gateway);
        assert!(before >= highest, "run {run}: {before:?} after {highest:?}");
        // Some states are left to the next run of the program.
        if run % 5 > 0 || cleanly {
            for entry in spool.entries().unwrap() {
                let replayed = spool.replay(&client, &entry);
                assert!(replayed.is_ok(), "run {run}: {replayed:?}");
            }
            let after = held(&gateway);
            assert!(after >= before, "run {run}: {after:?} after {before:?}");
            assert!(!cleanly || after == Some(from + STATES - 1), "run {run}: {after:?}");
        }
        highest = held(&gateway);
    }
    assert!(clean > 0, "some ended by themselves");
}
