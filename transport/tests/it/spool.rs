//! Guards the promise: acknowledged, or on disk and sent by a later run, unless pushed since.

use std::error::Error as _;
use std::path::Path;
use std::time::Duration;

use prompush::{
    ConfigError, Gateway, GatewayConfig, Outbox, OutboxBuilder, PushErrorKind, Pusher, ReplayError,
    ReplayOutcome, Spool, SpoolEntry, Verb,
};
use prompush_testing::{Answer, Pushgateway, ScriptedServer, Version, free_address, wait_until};
use tempfile::tempdir;

use crate::support;
use crate::support::{SOON, gauge, key};

const SHORT: Duration = Duration::from_millis(400);

fn config() -> GatewayConfig {
    support::config()
        .attempt_timeout(Duration::from_secs(5))
        .total_timeout(SHORT)
        .retry_delay_min(Duration::from_millis(10))
}

fn outbox(url: &str, spool: &Path) -> Outbox {
    let builder: OutboxBuilder = Outbox::builder(url).expect("a good URL");
    builder.config(config()).spool(spool).spawn().expect("it starts")
}

fn client(url: &str) -> Gateway {
    Gateway::with_config(url, config()).expect("a good URL")
}

fn dead() -> String {
    format!("http://{}", free_address())
}

fn entries(dir: &Path) -> Vec<SpoolEntry> {
    Spool::new(dir).entries().expect("a readable spool")
}

/// Runs `test` against each gateway that is installed.
fn each(test: impl Fn(&mut Pushgateway)) {
    for version in Version::ALL {
        if let Some(mut server) = Pushgateway::start(version) {
            test(&mut server);
        }
    }
}

/// The value of a gauge of job `x`, as exposed.
fn exposed(server: &Pushgateway, name: &str) -> Option<String> {
    let start = format!("{name}{{instance=\"\",job=\"x\"}} ");
    server.metrics().lines().find_map(|line| line.strip_prefix(&start).map(str::to_owned))
}

#[test]
fn a_failed_flush_spools_the_state_and_a_success_removes_it() {
    each(|server| {
        server.kill();
        let dir = tempdir().unwrap();
        let outbox = outbox(server.url(), dir.path());
        outbox.push(&key("x"), &gauge("a", 1.0)).unwrap();
        outbox.delete(&key("y")).unwrap();
        let error = outbox.flush(SHORT).unwrap_err();
        assert!(error.kind().is_retryable(), "{error}");
        assert_eq!(error.spooled_in(), Some(dir.path()));
        assert_eq!(error.others()[0].spooled_in(), Some(dir.path()));
        let words = format!("; kept in the spool `{}`", dir.path().display());
        assert!(error.to_string().contains(&words), "{error}");
        let kept = entries(dir.path());
        let verbs: Vec<_> = kept.iter().map(|entry| entry.verb().unwrap()).collect();
        assert!(verbs.contains(&Verb::Push) && verbs.contains(&Verb::Delete), "{kept:?}");
        assert!(kept.iter().all(|entry| entry.url() == Some(server.url())), "{kept:?}");

        outbox.add(&key("x"), &gauge("b", 2.0)).unwrap();
        server.restart();
        outbox.flush(SOON).unwrap();
        assert_eq!(entries(dir.path()).len(), 0, "what was acknowledged is obsolete");
        assert_eq!(exposed(server, "a").as_deref(), Some("1"));
        assert_eq!(exposed(server, "b").as_deref(), Some("2"));
        drop(outbox);
        assert_eq!(entries(dir.path()).len(), 0);
    });
}

#[test]
fn the_next_run_sends_the_spooled_state() {
    each(|server| {
        server.kill();
        let dir = tempdir().unwrap();
        let start = |value: f64| {
            let pusher = Pusher::builder(server.url(), "x").unwrap().config(config());
            pusher.spool(dir.path()).spawn(gauge("a", value)).unwrap()
        };
        let error = start(1.0).shutdown(SHORT).unwrap_err();
        assert_eq!(error.spooled_in(), Some(dir.path()));
        // Dropping the outbox writes to the spool, too. A newer state replaces the older one.
        drop(start(2.0));
        assert_eq!(entries(dir.path()).len(), 1);
        server.restart();
        let next = outbox(server.url(), dir.path());
        wait_until(SOON, "it is sent", || entries(dir.path()).is_empty());
        assert_eq!(exposed(server, "a").as_deref(), Some("2"));
        next.shutdown(SOON).unwrap();
    });
}

#[test]
fn a_later_push_is_not_overwritten() {
    each(|server| {
        server.kill();
        let dir = tempdir().unwrap();
        for add in [false, true] {
            let outbox = outbox(server.url(), dir.path());
            if add {
                outbox.add(&key("x"), &gauge("a", 1.0)).unwrap();
            } else {
                outbox.push(&key("x"), &gauge("a", 1.0)).unwrap();
            }
            outbox.shutdown(SHORT).unwrap_err();
            assert_eq!(entries(dir.path()).len(), 1);
            server.restart();
            client(server.url()).push(&key("x"), &gauge("a", 2.0)).unwrap();
            if add {
                // An add of this run would include the spooled state, if the state were not obsolete.
                let outbox = self::outbox(server.url(), dir.path());
                outbox.add(&key("x"), &gauge("b", 3.0)).unwrap();
                outbox.shutdown(SOON).unwrap();
                assert_eq!(exposed(server, "b").as_deref(), Some("3"));
            } else {
                let spool = Spool::new(dir.path());
                let replayed = spool.replay(&client(server.url()), &entries(dir.path())[0]);
                assert!(matches!(replayed, Ok(ReplayOutcome::PushedSince(_))), "{replayed:?}");
            }
            assert_eq!(exposed(server, "a").as_deref(), Some("2"));
            assert_eq!(entries(dir.path()).len(), 0);
            server.kill();
        }
    });
}

#[test]
fn an_add_of_the_next_run_includes_the_spooled_state() {
    each(|server| {
        server.kill();
        let dir = tempdir().unwrap();
        let url = server.url().to_owned();
        let one_shot = || client(&url).spool(dir.path());
        let error = one_shot().push(&key("x"), &gauge("a", 1.0)).unwrap_err();
        assert_eq!(error.spooled_in(), Some(dir.path()));
        let error = one_shot().add(&key("x"), &gauge("b", 2.0)).unwrap_err();
        assert_eq!(error.spooled_in(), Some(dir.path()));
        assert_eq!(entries(dir.path())[0].size().unwrap().0, 2);
        server.restart();
        one_shot().add(&key("x"), &gauge("c", 3.0)).unwrap();
        for (name, value) in [("a", "1"), ("b", "2"), ("c", "3")] {
            assert_eq!(exposed(server, name).as_deref(), Some(value), "{name}");
        }
        assert_eq!(entries(dir.path()).len(), 0);
    });
}

/// Stops a process, or continues it.
fn signal(server: &Pushgateway, signal: &str) {
    let done = std::process::Command::new("kill").args([signal, &server.id().to_string()]).status();
    assert!(done.expect("`kill` is there").success());
}

#[test]
fn a_late_request_of_our_own_makes_no_state_obsolete() {
    each(|server| {
        let dir = tempdir().unwrap();
        let registry = gauge("a", 1.0);
        let rows = registry.gauge("rows", "Rows.").unwrap();
        signal(server, "-STOP");
        let pusher = Pusher::builder(server.url(), "x").unwrap().config(config());
        let pusher = pusher.spool(dir.path()).spawn(registry).unwrap();
        // The first push is stuck in the gateway, and the last one is never sent.
        pusher.flush(SHORT).unwrap_err();
        rows.set(7.0);
        let error = pusher.shutdown(SHORT).unwrap_err();
        assert_eq!(error.spooled_in(), Some(dir.path()));
        signal(server, "-CONT");
        wait_until(SOON, "the first push comes late", || exposed(server, "rows").is_some());
        assert_eq!(exposed(server, "rows").as_deref(), Some("0"));
        let patient = config().total_timeout(SOON);
        let gateway = Gateway::with_config(server.url(), patient).unwrap();
        let replayed = Spool::new(dir.path()).replay(&gateway, &entries(dir.path())[0]);
        assert_eq!(replayed.unwrap(), ReplayOutcome::Sent);
        assert_eq!(exposed(server, "rows").as_deref(), Some("7"), "the last value is there");
    });
}

#[test]
fn each_gateway_has_only_its_own_unacknowledged_states_in_the_spool() {
    let dir = tempdir().unwrap();
    let good = ScriptedServer::start([]);
    let (bad, refusing) = (dead(), ScriptedServer::start([Answer::status(401)]));
    let builder = Outbox::builder(&good.url()).unwrap().gateway(&bad).unwrap();
    let builder = builder.gateway(&refusing.url().replace("//", "//user:secret@")).unwrap();
    let outbox = builder.config(config()).spool(dir.path()).spawn().unwrap();
    outbox.push(&key("x"), &gauge("a", 1.0)).unwrap();
    let error = outbox.shutdown(SHORT).unwrap_err();
    assert_eq!(error.others().len(), 1);
    assert_eq!(error.others()[0].kind(), PushErrorKind::Refused(401));
    let kept = entries(dir.path());
    let mut urls: Vec<_> = kept.iter().map(|entry| entry.url().unwrap()).collect();
    urls.sort_unstable();
    let mut expected = [bad, refusing.url()];
    expected.sort_unstable();
    assert_eq!(urls, expected);
    for entry in kept {
        let file = std::fs::read(entry.file()).unwrap();
        let file = String::from_utf8_lossy(&file);
        assert!(file.contains("a 1\n") && !file.contains("secret"), "{file}");
        let other = Spool::new(dir.path()).replay(&client("http://elsewhere:1"), &entry);
        assert!(matches!(other, Err(ReplayError::OtherGateway { .. })), "{other:?}");
    }
}

#[test]
fn an_unusable_spool_is_reported_at_the_start() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Outbox::builder("http://gw").unwrap().spool(&file).spawn().unwrap_err();
    assert!(matches!(error, ConfigError::Spool { .. }), "{error}");
    // A single push needs the spool only if it fails.
    let server = ScriptedServer::start([]);
    client(&server.url()).spool(&file).push(&key("x"), &gauge("a", 1.0)).unwrap();
    let error = client(&dead()).spool(&file).push(&key("x"), &gauge("a", 1.0)).unwrap_err();
    assert!(error.spooled_in().is_none());
    let cause = error.spool_error().expect("a reason").to_string();
    assert!(cause.contains("file") && error.to_string().contains(&cause), "{error}");
}

#[test]
fn only_one_process_replays_at_a_time() {
    let dir = tempdir().unwrap();
    let server = ScriptedServer::start([
        Answer::status(503),
        Answer::status(200).body("{\"data\":[]}").held(),
        Answer::status(200),
    ]);
    let once = config().total_timeout(Duration::from_millis(50));
    let once = Gateway::with_config(&server.url(), once.retry_delay_min(SHORT)).unwrap();
    once.spool(dir.path()).push(&key("x"), &gauge("a", 1.0)).unwrap_err();
    let before = server.requests().len();
    let entry = entries(dir.path()).remove(0);
    let spool = Spool::new(dir.path());
    let patient = Gateway::with_config(&server.url(), config().total_timeout(SOON)).unwrap();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| spool.replay(&patient, &entry));
        server.wait_for_requests(before + 1, SOON);
        let second = spool.replay(&patient, &entry).unwrap_err();
        assert!(second.to_string().contains("another process is sending"), "{second}");
        server.release();
        assert_eq!(first.join().unwrap().unwrap(), ReplayOutcome::Sent);
    });
    assert_eq!(spool.replay(&patient, &entry).unwrap(), ReplayOutcome::Gone);
    assert_eq!(server.requests().len(), before + 2);
}

#[test]
fn listing_and_sending_share_one_deadline() {
    let groups = Answer::status(200).body(r#"{"status":"success","data":[]}"#);
    let busy = Answer::status(503).header("Retry-After", "1");
    let server = ScriptedServer::start([Answer::status(400), busy, groups, Answer::Hang]);
    let dir = tempdir().unwrap();
    client(&server.url()).spool(dir.path()).push(&key("x"), &gauge("a", 1.0)).unwrap_err();
    let patient = config().total_timeout(Duration::from_secs(3));
    let patient = Gateway::with_config(&server.url(), patient).expect("a good URL");
    let failed = Spool::new(dir.path()).replay(&patient, &entries(dir.path())[0]).unwrap_err();
    let words = failed.source().expect("a cause").to_string();
    // One of the three seconds is over by then.
    assert!(!words.contains("longer than 3s"), "{failed}: {words}");
    assert_eq!(entries(dir.path()).len(), 1);
}
