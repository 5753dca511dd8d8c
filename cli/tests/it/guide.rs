//! The guide's lines, as written.

use rustix::process::Signal;

use crate::support::{OurGateway, WAIT_MAX, exposed, for_each_gateway, prompush, run, run_command};

#[test]
fn the_quick_test() {
    for_each_gateway(|url| {
        let mut command = prompush(&["push", "--job", "test"]);
        let done =
            run_command(command.env("PUSHGATEWAY_URL", url), "test_metric 42\n").expect_code(0);
        assert_eq!(done.stdout, "");
        let said = format!("pushed 1 metric family, 1 sample to {{job=\"test\"}} at {url}\n");
        assert_eq!(done.stderr, said);
        let sample = "test_metric{instance=\"\",job=\"test\"} 42";
        assert!(exposed(url, "test_metric").iter().any(|line| line == sample));

        let done = run(&["delete", "--job", "test", "--gateway", url], "").expect_code(0);
        assert_eq!(done.stdout, "{job=\"test\"}\n");
        assert!(exposed(url, "test_metric").is_empty());
    });
}

#[test]
fn the_gateways_command_line() {
    let flags = ["--push.disable-consistency-check", "--metric.expiration=300s"];
    let mut gateway = OurGateway::start(&flags);
    run(&["push", "--job", "test", "--gateway", &gateway.url], "test_metric 42").expect_code(0);
    gateway.process.signal(Signal::TERM);
    assert_eq!(gateway.process.wait(WAIT_MAX).code(), Some(0));
    assert_eq!(gateway.log.recv_timeout(WAIT_MAX).as_deref(), Ok("stopped"));
}

#[test]
fn the_clean_up() {
    for_each_gateway(|url| {
        let push = |job: &str, group: &[&str]| {
            let mut arguments = vec!["push", "--gateway", url, "--job", job];
            arguments.extend_from_slice(group);
            run(&arguments, "gptme_x 1").expect_code(0);
        };
        push("gptme-1", &[]);
        push("gptme-2", &["--group", "instance=h:2"]);
        push("other", &[]);
        let gone = "{job=\"gptme-1\"}\n{job=\"gptme-2\",instance=\"h:2\"}\n";

        let delete = ["delete", "--gateway", url, "--job", "gptme-*"];
        let done = run(&[&delete[..], &["--dry-run"]].concat(), "").expect_code(0);
        assert_eq!(done.stdout, gone);
        assert_eq!(exposed(url, "gptme_x{").len(), 3);

        // Literally, there is no such group: said, not hidden, unless that is wanted.
        let literally = [&delete[..], &["--literal"]].concat();
        let done = run(&literally, "").expect_code(1);
        assert!(done.stderr.starts_with("error: no group matches {job=\"gptme-*\"}"), "{done:?}");
        run(&[&literally[..], &["--if-exists"]].concat(), "").expect_code(0);

        let done = run(&delete, "").expect_code(0);
        assert_eq!(done.stdout, gone);
        assert_eq!(exposed(url, "gptme_x{"), ["gptme_x{instance=\"\",job=\"other\"} 1"]);
    });
}
