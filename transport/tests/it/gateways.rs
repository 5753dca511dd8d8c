//! Guards pushes, adds, deletes and lists against real gateways of both versions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use prompush::{
    AtEnd, Buckets, ConfigError, Format, Gateway, Group, GroupingKey, PushErrorKind, Pusher,
    Registry, decode_path,
};
use prompush_testing::{Pushgateway, Version, wait_for, wait_until};

use crate::support::{SOON, config};

fn client(server: &Pushgateway) -> Gateway {
    Gateway::with_config(server.url(), config()).expect("a good URL")
}

fn key(job: &str, labels: &[(&str, &str)]) -> GroupingKey {
    labels.iter().fold(GroupingKey::new(job).expect("a good job"), |key, (name, value)| {
        key.with(name, value).expect("a good label")
    })
}

/// A registry with one metric of each type.
fn registry() -> Registry {
    let registry = Registry::new();
    fill(&registry).expect("good names");
    registry
}

fn fill(registry: &Registry) -> Result<(), Box<dyn std::error::Error>> {
    registry.counter("rows_total", "Rows \"done\".")?.inc_by(7);
    registry.gauge("level", "Level\nin two lines.")?.set(-1.5);
    let sizes = registry.histogram("size_bytes", "Sizes.", Buckets::linear(1.0, 1.0, 2)?)?;
    sizes.observe(1.5);
    sizes.observe(9.0);
    let calls = registry.counter_family("calls_total", "Calls.", ["tool", "ok"])?;
    calls.with(["shell \"x\"", "true"]).inc();
    calls.with(["a\\b\nc", ""]).inc_by(2);
    Ok(())
}

/// Runs `test` against each gateway that is installed.
fn each(extra_args: &[&str], test: impl Fn(&Pushgateway)) {
    for version in Version::ALL {
        if let Some(server) = Pushgateway::start_with(version, extra_args) {
            test(&server);
        }
    }
}

fn labels(groups: &[Group]) -> Vec<BTreeMap<String, String>> {
    groups.iter().map(|group| group.labels.clone()).collect()
}

#[test]
fn push_add_delete_groups_ready() {
    each(&[], |server| {
        let gateway = client(server);
        gateway.ready().unwrap();
        assert_eq!(gateway.groups().unwrap(), []);
        let key = key("nightly import", &[("instance", "host-1")]);
        let report = gateway.push(&key, &registry()).unwrap();
        assert_eq!((report.families, report.samples, report.status), (4, 9, 200));

        let exposed = server.metrics();
        for line in [
            "# TYPE rows_total counter",
            "rows_total{instance=\"host-1\",job=\"nightly import\"} 7",
            "# HELP level Level\\nin two lines.",
            "level{instance=\"host-1\",job=\"nightly import\"} -1.5",
            "# TYPE size_bytes histogram",
            "size_bytes_bucket{instance=\"host-1\",job=\"nightly import\",le=\"+Inf\"} 2",
            "size_bytes_sum{instance=\"host-1\",job=\"nightly import\"} 10.5",
            "calls_total{instance=\"host-1\",job=\"nightly import\",ok=\"\",tool=\"a\\\\b\\nc\"} 2",
        ] {
            assert!(exposed.lines().any(|exposed| exposed == line), "{line}\n{exposed}");
        }

        let more = Registry::new();
        more.gauge("more", "More.").unwrap();
        gateway.add(&key, &more).unwrap();
        let [group] = gateway.groups().unwrap().try_into().unwrap();
        assert_eq!((group.families, group.series), (5, 6));
        assert!(group.last_push_successful && group.last_failure.is_none());
        assert!(is_now(group.last_push), "{group:?}");

        gateway.push(&key, &more).unwrap();
        let [group] = gateway.groups().unwrap().try_into().unwrap();
        assert_eq!((group.families, group.series), (1, 1));

        gateway.delete(&key).unwrap();
        gateway.delete(&key).unwrap();
        wait_until(SOON, "the group to be gone", || gateway.groups().unwrap().is_empty());
    });
}

#[expect(clippy::disallowed_methods, reason = "the gateway's clock is compared with the machine's")]
fn is_now(time: Option<SystemTime>) -> bool {
    let now = SystemTime::now();
    time.is_some_and(|time| {
        time <= now && now.duration_since(time).is_ok_and(|age| age < Duration::from_mins(1))
    })
}

#[test]
fn gzip_is_understood() {
    each(&[], |server| {
        let gateway = Gateway::with_config(server.url(), config().gzip(true)).unwrap();
        gateway.push(&key("x", &[]), &registry()).unwrap();
        gateway.push(&key("empty", &[]), &Registry::new()).unwrap();
        assert_eq!(gateway.groups().unwrap()[1].families, 4);
    });
}

#[test]
fn a_prefix_is_kept() {
    each(&["--web.route-prefix=/a/b"], |server| {
        let gateway = client(server);
        gateway.push(&key("x", &[]), &registry()).unwrap();
        assert_eq!(gateway.groups().unwrap().len(), 1);
        let wrong = format!("http://{}", server.address());
        let error = Gateway::with_config(&wrong, config()).unwrap().groups().unwrap_err();
        assert_eq!(error.kind(), PushErrorKind::Refused(404), "{error}");
        assert!(error.hint().unwrap().to_string().contains("route prefix"));
    });
}

#[test]
fn a_refusal_shows_the_error_text_and_the_group() {
    each(&[], |server| {
        let gateway = client(server);
        let (mine, theirs) = (Registry::new(), Registry::new());
        mine.gauge("rows", "Rows.").unwrap();
        theirs.histogram("rows", "Rows.", Buckets::new([1.0]).unwrap()).unwrap();
        gateway.push(&key("x", &[]), &mine).unwrap();
        let error = gateway.push(&key("y", &[]), &theirs).unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (PushErrorKind::Refused(400), 1));
        let reason = error.answer_text().unwrap();
        assert!(reason.contains("is not a "), "{reason}");
        assert!(error.hint().unwrap().to_string().contains("another type"));
        // The gateway answers first, and records the failure later.
        let groups = wait_for(Duration::from_secs(30), "the failure to be noted", || {
            gateway.groups().ok().filter(|groups| groups.len() == 2)
        });
        assert!(groups[0].last_push_successful && !groups[1].last_push_successful);
        assert!(groups[1].last_push.is_none() && is_now(groups[1].last_failure), "{groups:?}");
    });
}

#[test]
fn a_metric_in_the_place_of_a_groups_labels_does_not_hide_them() {
    each(&[], |server| {
        let registry = Registry::new();
        registry.gauge("labels", "").unwrap();
        registry.gauge("last_push_successful", "").unwrap();
        let gateway = client(server);
        gateway.push(&key("x", &[("a", "b")]), &registry).unwrap();
        let [group] = gateway.groups().unwrap().try_into().unwrap();
        let expected = [("a", "b"), ("job", "x")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(group.labels, BTreeMap::from(expected));
        assert_eq!((group.families, group.series), (2, 2));
        assert!(group.last_push_successful);
    });
}

#[test]
fn groups_with_any_key_can_be_deleted() {
    each(&["--push.disable-consistency-check"], |server| {
        for path in [
            "/metrics/job/x/instance@base64/=",
            "/metrics/job@base64/YS9i/le/1/path@base64/L3Zhci8uLg==",
            "/metrics/job@base64/Li4=/a@base64/=",
        ] {
            assert_eq!(server.request("PUT", path, &[], b"foo 1\n").status, 202, "{path}");
        }
        let gateway = client(server);
        wait_until(SOON, "the pushes to be stored", || gateway.groups().unwrap().len() == 3);
        for group in gateway.groups().unwrap() {
            gateway.delete_group(&group).unwrap();
        }
        wait_until(SOON, "the groups to be gone", || gateway.groups().unwrap().is_empty());
        let nobody = Group::default();
        let error = gateway.delete_group(&nobody).unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (PushErrorKind::Encode, 0));
    });
}

#[test]
fn the_example_of_the_design_works() {
    each(&[], |server| {
        let run = || -> Result<(), Box<dyn std::error::Error>> {
            let registry = Registry::new();
            let rows = registry.counter("rows_processed_total", "Rows processed.")?;
            let calls = registry.counter_family(
                "tool_calls_total",
                "Tool calls made.",
                ["tool", "success"],
            )?;

            let pusher = Pusher::builder(server.url(), "nightly_import")? // gateway, job
                .group("instance", "host-1")
                .interval(Duration::from_secs(30))
                .spawn(registry)?;

            rows.inc();
            calls.with(["shell", "true"]).inc();

            pusher.shutdown(Duration::from_secs(5))?;
            Ok(())
        };
        run().unwrap();
        let exposed = server.metrics();
        let labels = "instance=\"host-1\",job=\"nightly_import\"";
        for line in [
            format!("rows_processed_total{{{labels}}} 1"),
            format!("tool_calls_total{{{labels},success=\"true\",tool=\"shell\"}} 1"),
        ] {
            assert!(exposed.lines().any(|exposed| exposed == line), "{line}\n{exposed}");
        }
    });
}

#[test]
fn a_pusher_outlives_its_gateway() {
    for version in Version::ALL {
        let Some(mut server) = Pushgateway::start(version) else { continue };
        let registry = Registry::new();
        let rows = registry.counter("rows_total", "Rows.").unwrap();
        let pusher = Pusher::builder(server.url(), "x")
            .unwrap()
            .config(config())
            .at_end(AtEnd::Delete)
            .spawn(registry)
            .unwrap();
        pusher.flush(SOON).unwrap();
        server.kill();
        rows.inc();
        let error = pusher.flush(Duration::from_millis(300)).unwrap_err();
        assert!(error.kind().is_retryable(), "{error}");
        server.restart();
        pusher.flush(SOON).unwrap();
        assert!(server.metrics().contains("rows_total{instance=\"\",job=\"x\"} 1\n"));
        pusher.shutdown(SOON).unwrap();
        wait_until(SOON, "the group to be gone", || server.groups().is_empty());
    }
}

#[test]
fn several_sources_go_into_one_group() {
    each(&[], |server| {
        let more = Registry::new();
        more.gauge("more", "More.").unwrap();
        let gateway = client(server);
        gateway.push(&key("x", &[]), &(registry(), more.clone())).unwrap();
        assert_eq!(gateway.groups().unwrap()[0].families, 5);
        let error = gateway.push(&key("x", &[]), &(more.clone(), more)).unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (PushErrorKind::Encode, 0), "{error}");
    });
}

#[test]
fn all_errors_fit_into_one_type_of_a_program() {
    fn start() -> Result<Gateway, ConfigError> {
        Gateway::new("not a url")
    }
    assert!(start().unwrap_err().to_string().contains("`not a url`"));
}

/// Grouping keys: pushed, and read back from the gateway's list.
mod keys {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    use super::*;

    /// The number of keys that are pushed.
    const KEYS: usize = 1_200;
    const CHUNK: usize = 200;

    /// Values with difficult parts: separators, dots, escapes, signs of base64, all planes of Unicode.
    fn value() -> impl Strategy<Value = String> {
        let pieces = prop_oneof![
            prop::sample::select(vec![
                "/",
                "//",
                ".",
                "..",
                " ",
                "+",
                "%",
                "%2F",
                "%zz",
                "@base64",
                "=",
                "==",
                "-",
                "_",
                "~",
                "?",
                "#",
                "&",
                ":",
                ";",
                "\\",
                "\"",
                "'",
                "*",
                "{}",
                "\0",
                "\n",
                "\r\n",
                "\t",
                "\u{7f}",
                "\u{1b}[31m",
                "é",
                "Πρ",
                "日本",
                "🦀",
                "👩‍👩‍👧",
                "\u{202e}",
                "\u{feff}",
                "a",
                "Z9",
            ])
            .prop_map(str::to_owned),
            any::<char>().prop_map(String::from),
            "[a-z0-9_.-]{1,12}",
        ];
        prop::collection::vec(pieces, 0..6).prop_map(|pieces| pieces.concat())
    }

    fn label_name() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("instance".to_owned()),
            Just("path".to_owned()),
            "[a-zA-Z][a-zA-Z0-9_]{0,8}",
            "_[a-zA-Z0-9][a-zA-Z0-9_]{0,4}",
        ]
    }

    /// A key, and the labels that it was made from.
    fn grouping_key() -> impl Strategy<Value = (GroupingKey, BTreeMap<String, String>)> {
        let job = value().prop_filter("a job is not empty", |job| !job.is_empty());
        let labels = prop::collection::btree_map(label_name(), value(), 0..4);
        (job, labels).prop_filter_map("a name is refused", |(job, mut labels)| {
            labels.remove("job");
            let key =
                labels.iter().try_fold(GroupingKey::new(&job).ok()?, |key, (name, value)| {
                    key.with(name, value).ok()
                })?;
            // An empty instance counts as absent.
            labels.retain(|name, value| name != "instance" || !value.is_empty());
            labels.insert("job".to_owned(), job);
            Some((key, labels))
        })
    }

    #[test]
    fn every_key_is_listed_unchanged() {
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let strategy = grouping_key();
        let mut keys = BTreeMap::new();
        while keys.len() < KEYS {
            let (key, labels) = strategy.new_tree(&mut runner).unwrap().current();
            keys.insert(key, labels);
        }
        for (key, labels) in &keys {
            let path = key.to_path();
            let decoded = decode_path(path.strip_prefix("/metrics").unwrap()).unwrap();
            assert_eq!(&decoded, labels, "{path}");
        }
        each(&["--push.disable-consistency-check", "--web.enable-admin-api"], |server| {
            let keys: Vec<_> = keys.iter().collect();
            for chunk in keys.chunks(CHUNK) {
                through_the_wire(server, chunk);
            }
        });
    }

    fn through_the_wire(server: &Pushgateway, keys: &[(&GroupingKey, &BTreeMap<String, String>)]) {
        let gateway = client(server);
        let registry = Registry::new();
        registry.gauge("rows", "Rows.").expect("a good name");
        for (key, _) in keys {
            let result = gateway.push(key, &registry);
            assert!(result.is_ok(), "{key}: {result:?}");
        }
        let expected: BTreeSet<_> = keys.iter().map(|(_, labels)| (*labels).clone()).collect();
        // Without the check the gateway answers before it stores.
        let stored = || gateway.groups().expect("a list").len() == expected.len();
        wait_until(SOON, "the pushes to be stored", stored);
        let mut groups = labels(&gateway.groups().expect("a list"));
        groups.sort_unstable(); // the list has them by job first
        for (found, expected) in groups.iter().zip(&expected) {
            assert_eq!(found, expected, "{}", server.version());
        }
        let wiped = server.request("PUT", "/api/v1/admin/wipe", &[], &[]);
        assert_eq!(wiped.status, 202);
        wait_until(SOON, "an empty gateway", || server.groups().is_empty());
    }
}

#[test]
fn protobuf_and_text_are_exposed_alike() {
    each(&[], |server| {
        let shown = |format: Format| {
            let gateway = Gateway::with_config(server.url(), config().format(format).gzip(true));
            let gateway = gateway.expect("a good URL");
            let report = gateway.push(&key("format", &[]), &registry()).expect("a push");
            let metrics = server.metrics();
            let is_ours =
                |line: &&str| line.contains("job=\"format\"") && !line.contains("_time_seconds{");
            let lines: Vec<String> = metrics.lines().filter(is_ours).map(str::to_owned).collect();
            assert_eq!(lines.len(), report.samples);
            lines
        };
        assert_eq!(shown(Format::Protobuf), shown(Format::Text));
        let pusher = Pusher::builder(server.url(), "background").expect("a good job");
        let pusher = pusher.config(config().format(Format::Protobuf)).spawn(registry());
        pusher.expect("a thread").shutdown(SOON).expect("a last push");
        assert!(server.metrics().contains("rows_total{instance=\"\",job=\"background\"} 7"));
    });
}

#[test]
fn a_format_that_no_gateway_reads_is_refused() {
    let config = config().format(Format::OpenMetrics);
    let error = Gateway::with_config("http://127.0.0.1:1", config.clone()).expect_err("a refusal");
    assert_eq!(
        error.to_string(),
        "cannot push in the format OpenMetrics: gateways read Text and Protobuf"
    );
    let pusher = Pusher::builder("http://127.0.0.1:1", "x").expect("a good job").config(config);
    assert!(matches!(pusher.spawn(registry()), Err(ConfigError::Format { .. })));
}
