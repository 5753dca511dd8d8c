//! Guards the log messages of a background pusher: one for each change of state.

use std::time::Duration;

use log::Level;
use prompush::{Pusher, Registry};
use prompush_testing::{Answer, ScriptedServer};

use crate::support::{LogLine, SOON, capture_log, captured_log, config};

#[test]
fn each_change_of_state_is_logged_once() {
    capture_log();
    let refused = Answer::status(400).body("no\n");
    let script = [503, 503, 503, 503].map(Answer::status).into_iter();
    let script = script.chain([Answer::status(200), refused.clone(), refused]);
    let server = ScriptedServer::start(script.chain([Answer::status(200)]));
    let config = config().retry_delay_max(Duration::from_millis(1));
    let url = server.url().replace("http://", "http://user:secret@");
    let pusher = Pusher::builder(&url, "x")
        .unwrap()
        .interval(Duration::from_millis(1))
        .config(config)
        .spawn(Registry::new())
        .unwrap();
    server.wait_for_requests(12, SOON);
    pusher.shutdown(SOON).unwrap();
    let address = server.url().replace("http://", "");
    let is_ours = |line: &LogLine| {
        let is_shown = line.target.starts_with("prompush") && line.level <= Level::Info;
        is_shown && line.text.contains(&address)
    };
    let lines: Vec<LogLine> = captured_log().into_iter().filter(is_ours).collect();
    let levels: Vec<Level> = lines.iter().map(|line| line.level).collect();
    assert_eq!(levels, [Level::Warn, Level::Info, Level::Warn, Level::Info], "{lines:?}");
    let parts =
        ["answered 503; trying again", "works again", "the gateway says: no; ", "works again"];
    for (line, part) in lines.iter().zip(parts) {
        let text = &line.text;
        assert!(text.contains(part) && text.contains("http://***@127.0.0.1"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}
