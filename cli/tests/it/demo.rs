//! `prompush demo` in a pipe.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use prompush_testing::{Pushgateway, Version};
use rustix::process::Signal;

use crate::support::{Process, WAIT_MAX, exposed, prompush, run};

#[test]
fn it_shows_what_arrived_and_what_was_lost() {
    let done = run(&["demo"], "").expect_code(0);
    assert_eq!(done.stderr, "");
    assert!(!done.stdout.contains('\u{1b}'), "{}", done.stdout);
    let sentence = done.stdout.lines().last().unwrap_or_default();
    assert!(sentence.starts_with("The 2 programs "), "{}", done.stdout);
    assert!(sentence.contains("2 programs that ended cleanly recorded "), "{sentence}");
    assert!(sentence.contains(" items, and all "), "{sentence}");
    assert!(sentence.contains(" were lost; its group has expired."), "{sentence}");
    for line in ["worker-2 ended by SIGTERM: recorded ", "worker-3 killed by SIGKILL: recorded "] {
        assert!(done.stdout.contains(line), "{}", done.stdout);
    }
}

#[test]
fn on_a_gateway_without_expiry_it_says_so_and_cleans_up() {
    let Some(gateway) = Pushgateway::start(Version::Sid) else { return };
    let done = run(&["demo", "--gateway", gateway.url()], "").expect_code(0);
    assert!(done.stdout.contains("this gateway does not expire groups"), "{}", done.stdout);
    assert!(done.stdout.contains("deleted the demo's 3 groups"), "{}", done.stdout);
    assert!(exposed(gateway.url(), "job=\"demo\"").is_empty());
}

#[test]
fn an_interrupt_cleans_up() {
    let mut command = prompush(&["demo"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut demo = Process(command.spawn().expect("the binary starts"));
    let mut lines = BufReader::new(demo.0.stdout.take().expect("stdout is piped")).lines();
    let is_started = |line: &String| line.starts_with("started worker-3");
    assert!(lines.by_ref().map_while(Result::ok).any(|line| is_started(&line)));
    demo.signal(Signal::INT);
    assert_eq!(demo.wait(WAIT_MAX).code(), Some(130));
    // The workers had its stderr, too: it ends when the last of them has ended.
    let stderr = demo.0.stderr.take().expect("stderr is piped");
    let words: Vec<String> = BufReader::new(stderr).lines().map_while(Result::ok).collect();
    assert_eq!(words, ["error: interrupted"]);
}

#[test]
fn a_gateway_that_is_down_is_said_to_be() {
    let url = format!("http://{}", prompush_testing::free_address());
    run(&["demo", "--gateway", &url], "").expect_code(69);
}
