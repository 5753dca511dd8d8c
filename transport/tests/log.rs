//! Guards what a background pusher writes to the program's log: each change of state once.

use std::sync::Mutex;
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};
use prompush::{GatewayConfig, Pusher, Registry};
use prompush_testing::{Answer, ScriptedServer};

const SOON: Duration = Duration::from_secs(10);

/// Keeps what prompush says above the level of debugging.
struct Kept(Mutex<Vec<(Level, String)>>);

static KEPT: Kept = Kept(Mutex::new(Vec::new()));

impl Log for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("prompush") && metadata.level() <= Level::Info
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = (record.level(), record.args().to_string());
            self.0.lock().expect("no test panics while it logs").push(line);
        }
    }

    fn flush(&self) {}
}

#[test]
fn each_change_of_state_once() {
    log::set_logger(&KEPT).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let refused = Answer::status(400).body("no\n");
    let script = [503, 503, 503, 503].map(Answer::status).into_iter();
    let script = script.chain([Answer::status(200), refused.clone(), refused]);
    let server = ScriptedServer::start(script.chain([Answer::status(200)]));
    let config = GatewayConfig::default()
        .retry_delay_max(Duration::from_millis(1))
        .proxy_from_environment(false);
    let url = server.url().replace("http://", "http://user:secret@");
    let pusher = Pusher::builder(&url, "x")
        .unwrap()
        .interval(Duration::from_millis(1))
        .config(config)
        .spawn(Registry::new())
        .unwrap();
    server.wait_for_requests(12, SOON);
    pusher.shutdown(SOON).unwrap();
    let kept = KEPT.0.lock().unwrap();
    let levels: Vec<Level> = kept.iter().map(|(level, _)| *level).collect();
    assert_eq!(levels, [Level::Warn, Level::Info, Level::Warn, Level::Info], "{kept:?}");
    let parts =
        ["answered 503; trying again", "works again", "the gateway says: no; ", "works again"];
    for ((_, line), part) in kept.iter().zip(parts) {
        assert!(line.contains(part) && line.contains("http://***@127.0.0.1"), "{line}");
        assert!(!line.contains("secret"), "{line}");
    }
}
