//! Guards `prompush generate-docs`: both pages have what the code defines, and nothing that is hidden.

use crate::support::run;

fn page(name: &str) -> String {
    run(&["generate-docs", name], "").expect_code(0).stdout
}

#[test]
fn every_command_flag_variable_and_exit_code_is_documented() {
    let page = page("cli");
    for part in [
        "## push\n",
        "## spool flush\n",
        "`-j, --job <JOB>`",
        "`--metric.expiration <DURATION>`",
        "Default: `30s`.",
        "| `PROMPUSH_TEXTFILE` |",
        "| 69 |",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    for hidden in ["demo-worker", "generate-docs", "--help"] {
        assert!(!page.contains(hidden), "{hidden} in {page}");
    }
}

#[test]
fn the_metrics_of_every_part_are_documented() {
    let page = page("metrics");
    for row in [
        "| `prompush_push_attempts_total` | counter | `outcome` |",
        "| `job_cpu_seconds` | gauge | `mode` |",
        "| `prompush_receiver_requests_total` | counter | `signal` |",
        "| `pushgateway_http_push_size_bytes` | summary | `method` |",
        "| `gptme_tokens_total` | counter | `token_type` |",
    ] {
        assert!(page.contains(row), "{row} in {page}");
    }
}

#[test]
fn a_page_is_the_same_each_time() {
    for name in ["cli", "metrics"] {
        assert_eq!(page(name), page(name));
    }
}
