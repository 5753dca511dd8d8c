//! Help and usage.

use crate::support::run;

#[test]
fn short_and_long_help_differ() {
    for command in ["push", "list", "delete", "check", "gc", "spool", "gateway", "demo"] {
        let short = run(&[command, "-h"], "").expect_code(0).stdout;
        let long = run(&[command, "--help"], "").expect_code(0).stdout;
        assert!(short.len() < long.len(), "{command}");
        assert!(short.contains("Usage: prompush "), "{short}");
    }
    let help = run(&["--help"], "").expect_code(0).stdout;
    for word in
        ["push", "list", "delete", "check", "spool", "gateway", "demo", "PUSHGATEWAY_URL", "69"]
    {
        assert!(help.contains(word), "{help}");
    }
    assert!(!help.contains("demo-worker"), "{help}");
}

#[test]
fn completions_and_manual_pages_are_printed() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell], "").expect_code(0).stdout;
        assert!(
            script.contains("drop-timestamps") && script.contains("metric.expiration"),
            "{script}"
        );
        assert!(!script.contains("demo-worker"), "{script}");
    }
    let page = run(&["man"], "").expect_code(0).stdout;
    assert!(page.contains(".TH prompush 1") && page.contains("prompush\\-push(1)"), "{page}");
    let page = run(&["man", "push"], "").expect_code(0).stdout;
    assert!(page.contains(".TH prompush-push 1") && page.contains("drop\\-timestamps"), "{page}");
    run(&["man", "nothing"], "").expect_code(2);
}

#[test]
fn wrong_usage_is_2() {
    for arguments in
        [&[][..], &["nothing"], &["push"], &["push", "--job"], &["list", "--nothing"], &["delete"]]
    {
        let done = run(arguments, "").expect_code(2);
        assert!(!done.stderr.is_empty());
        assert_eq!(done.stdout, "");
    }
    let done = run(&["--version"], "").expect_code(0);
    assert!(done.stdout.starts_with("prompush "), "{}", done.stdout);
}
