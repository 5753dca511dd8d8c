//! The cost of recording while a pusher runs, with and without success, as a ratio to recording alone.
//!
//! Run it with `cargo bench -p prompush-benches --bench beside_pusher`. The cases take turns, so that a disturbance
//! of the machine hits all of them. The time is the processor time of the recording thread.
#![allow(missing_docs, clippy::print_stdout, reason = "a bench prints its table")]

use std::hint::black_box;
use std::time::Duration;

use prompush::{Counter, Family, GatewayConfig, LabelNames, Pusher, Registry};
use prompush_benches::measure::{Summary, nanoseconds, number, processor_time};
use prompush_testing::{Answer, ScriptedServer, free_address};

const ROUNDS: usize = 41;
const RECORDINGS: u64 = 400_000;
const SERIES: usize = 1000;
/// So short that a push is nearly always in flight. A real program pushes every few seconds.
const INTERVAL: Duration = Duration::from_millis(50);

/// A registry whose counters are looked up by their labels, with a pusher or without.
struct Case {
    name: &'static str,
    calls: Family<LabelNames<1>, Counter>,
    pusher: Option<Pusher>,
    nanoseconds: Vec<f64>,
}

impl Case {
    fn new(name: &'static str, url: Option<&str>) -> Self {
        let registry = Registry::new();
        let calls = registry.counter_family("calls_total", "Calls.", ["n"]).expect("a name");
        let pusher = url.map(|url| {
            let config = GatewayConfig::default()
                .proxy_from_environment(false)
                .retry_delay_max(INTERVAL)
                .attempt_timeout(Duration::from_secs(1));
            let builder = Pusher::builder(url, "bench").expect("a URL").config(config);
            let builder = builder.interval(INTERVAL).shutdown_deadline(Duration::from_millis(100));
            builder.spawn(registry.clone()).expect("a thread")
        });
        Self { name, calls, pusher, nanoseconds: Vec::new() }
    }

    fn measure(&mut self) {
        let labels: Vec<String> = (0..SERIES).map(|n| n.to_string()).collect();
        for label in &labels {
            self.calls.with([label.as_str()]).inc();
        }
        let start = processor_time();
        for label in labels.iter().cycle().take(usize::try_from(RECORDINGS).unwrap_or(usize::MAX)) {
            self.calls.with([black_box(label.as_str())]).inc();
        }
        let took = processor_time().saturating_sub(start);
        self.nanoseconds.push(nanoseconds(took) / number(RECORDINGS));
    }
}

fn main() {
    let good = ScriptedServer::start([Answer::status(200).keep_alive()]);
    let silent = ScriptedServer::start([Answer::Hang]);
    let drip = ScriptedServer::start([Answer::status(200).dripped(Duration::from_millis(200))]);
    let mut cases = [
        Case::new("no pusher", None),
        Case::new("a good gateway", Some(&good.url())),
        Case::new("one that refuses", Some(&format!("http://{}", free_address()))),
        Case::new("one that never answers", Some(&silent.url())),
        Case::new("one that drips", Some(&drip.url())),
    ];
    for _ in 0..ROUNDS {
        for case in &mut cases {
            case.measure();
        }
    }
    println!(
        "{:24} {:>10} {:>20} {:>6}",
        "looking up and counting", "median ns", "min – max", "ratio"
    );
    let alone = Summary::of(&cases[0].nanoseconds).median;
    for case in cases {
        let Summary { median, min, max, .. } = Summary::of(&case.nanoseconds);
        let range = format!("{min:.1} – {max:.1}");
        println!("{:24} {median:>10.1} {range:>20} {:>6.2}", case.name, median / alone);
        drop(case.pusher);
    }
}
