//! Guards that our gateway and the real Pushgateway 1.11.2 agree on random sequences of pushes and deletes, to a few
//! groups with a few metric families in common. The seeds are fixed.

use std::fmt::Write as _;

use crate::support::{TestServer, admin_config, groups, pushed_part, wipe};
use fastrand::Rng;
use prompush_testing::{Pushgateway, Version, http};

const SEQUENCES: u64 = 200;
const STEPS_MAX: usize = 8;

const KEYS: [&str; 6] = [
    "/metrics/job/x",
    "/metrics/job/y",
    "/metrics/job/x/instance/i",
    "/metrics/job/x/a/1",
    "/metrics/job/y/a/2/b/1",
    "/metrics/job@base64/eA/a@base64/MQ",
];

/// One request.
#[derive(Debug)]
struct Step {
    method: &'static str,
    target: &'static str,
    body: String,
}

fn step(random: &mut Rng) -> Step {
    let method = ["PUT", "PUT", "POST", "POST", "DELETE"][random.usize(..5)];
    let target = KEYS[random.usize(..KEYS.len())];
    let mut body = String::new();
    if method != "DELETE" {
        let mut names = ["f", "g", "h", "h_count", "h_sum", "s", "s_sum"];
        random.shuffle(&mut names);
        for name in names.iter().take(random.usize(..4)) {
            write_family(&mut body, name, random);
        }
        if random.u8(..20) == 0 {
            body.push_str("f 1 1600000000000\n");
        }
        if random.u8(..20) == 0 {
            body.push_str("oops\n");
        }
    }
    Step { method, target, body }
}

fn write_family(body: &mut String, name: &str, random: &mut Rng) {
    let types = match name {
        "h" => ["histogram", "histogram", "histogram", "gauge"],
        "s" => ["summary", "summary", "summary", "untyped"],
        _ => ["gauge", "gauge", "gauge", "counter"],
    };
    let metric_type = types[random.usize(..4)];
    writeln!(body, "# TYPE {name} {metric_type}").expect("memory");
    for _ in 0..random.usize(1..4) {
        let mut labels = Vec::new();
        for (label, values) in
            [("a", 3), ("b", 2), ("instance", 2), ("job", 2), ("z", 2)].iter().copied()
        {
            if random.u8(..3) == 0 {
                labels.push(format!("{label}=\"{}\"", random.u8(..values)));
            }
        }
        let value =
            f64::from(random.i32(-1_000_000_000..1_000_000_000)) / f64::from(random.i32(1..1000));
        write_samples(body, name, metric_type, labels, value);
    }
}

fn write_samples(
    body: &mut String,
    name: &str,
    metric_type: &str,
    mut labels: Vec<String>,
    value: f64,
) {
    let plain = labels.join(",");
    let mut line = |suffix: &str, labels: &str, value: f64| {
        writeln!(body, "{name}{suffix}{{{labels}}} {value}").expect("memory");
    };
    match metric_type {
        "histogram" => {
            // The count is whole. The real gateway stores whole counts and others in two fields. If a push sets both
            // for one series, it shows the other one, whichever came last.
            let count = value.abs().trunc();
            labels.push("le=\"0.5\"".to_owned());
            line("_bucket", &labels.join(","), count);
            line("_sum", &plain, value);
            line("_count", &plain, count);
        }
        "summary" => {
            labels.push("quantile=\"0.9\"".to_owned());
            line("", &labels.join(","), value);
            line("_sum", &plain, value);
            line("_count", &plain, value.abs().trunc());
        }
        _ => line("", &plain, value),
    }
}

#[test]
fn random_sequences_end_alike() {
    let Some(real) = Pushgateway::start_with(Version::Sid, &["--web.enable-admin-api"]) else {
        return;
    };
    let ours = TestServer::start_with(admin_config());
    let mut refused = 0;
    for seed in 0..SEQUENCES {
        let mut random = Rng::with_seed(seed);
        let steps: Vec<Step> =
            (0..random.usize(1..=STEPS_MAX)).map(|_| step(&mut random)).collect();
        wipe(real.address());
        wipe(ours.address);
        for (index, Step { method, target, body }) in steps.iter().enumerate() {
            let send = |address| {
                http::request(address, method, target, &[], body.as_bytes()).expect("an answer")
            };
            let (theirs, own) = (send(real.address()), send(ours.address));
            assert_eq!(
                own.status,
                theirs.status,
                "seed {seed}, step {index} of {steps:#?}\nours: {}\ntheirs: {}",
                own.text(),
                theirs.text()
            );
            refused += usize::from(own.status == 400);
        }
        // The real gateway puts deletes into a queue. It answers a push when the push has left the queue, and so all
        // deletes before it.
        let through = "/metrics/job/through";
        for address in [real.address(), ours.address] {
            assert_eq!(
                http::request(address, "PUT", through, &[], b"").expect("an answer").status,
                200
            );
        }
        let exposed = |address| {
            // The order is not compared: it is random in the real gateway for series that differ only in label names.
            let mut lines = pushed_part(address).expect("a scrape");
            lines.sort_unstable();
            lines
        };
        let (own, theirs) = (exposed(ours.address), exposed(real.address()));
        assert_eq!(own, theirs, "seed {seed}: {steps:#?}");
        assert_eq!(groups(ours.address), groups(real.address()), "seed {seed}: {steps:#?}");
    }
    assert!(refused > 100, "too few pushes are refused to say much: {refused}");
}
