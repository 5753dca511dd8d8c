//! Guards that Prometheus accepts a scrape of our gateway, with the types and values that were pushed.

use std::time::Duration;

use crate::support::TestServer;
use prompush_testing::{Prometheus, wait_until};

#[test]
fn prometheus_scrapes_what_was_pushed() {
    let gateway = TestServer::start();
    let body = "# TYPE rows_total counter\nrows_total{table=\"a\\\\b\\\"c\\nd\"} 12\n\
                # TYPE took_seconds histogram\ntook_seconds_bucket{le=\"0.5\"} 1\n\
                took_seconds_bucket{le=\"+Inf\"} 3\ntook_seconds_sum 4.5\ntook_seconds_count 3\n\
                # TYPE wait_seconds summary\nwait_seconds{quantile=\"0.5\"} 1\nwait_seconds_sum 2\nwait_seconds_count 2\n";
    assert_eq!(gateway.put("/metrics/job/import/instance/h%3A1", body).status, 200);
    assert_eq!(gateway.put("/metrics/job/%C3%A9%00%20/x@base64/=", "odd 1\n").status, 200);
    assert_eq!(gateway.put("/metrics/job/import/le/1", "grouped 1\n").status, 200);
    // The gateway refuses a push that would make the whole scrape fail.
    let histogram = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_count 1\nh_sum 1\n";
    assert_eq!(gateway.put("/metrics/job/import/le/1", histogram).status, 400);
    let Some(prometheus) = Prometheus::start(&[gateway.address], Duration::from_millis(200)) else {
        return;
    };
    for (query, expected) in [
        ("min(up)", "1"),
        ("rows_total{job=\"import\",instance=\"h:1\",table=\"a\\\\b\\\"c\\nd\"}", "12"),
        ("took_seconds_bucket{le=\"0.5\"}", "1"),
        ("histogram_quantile(1, took_seconds_bucket)", "0.5"),
        ("took_seconds_sum / took_seconds_count", "1.5"),
        ("wait_seconds{quantile=\"0.5\"}", "1"),
        ("grouped{le=\"1\"}", "1"),
        ("odd", "1"),
        ("count(push_time_seconds)", "3"),
    ] {
        let mut last = String::new();
        wait_until(Duration::from_secs(30), query, || {
            let answer = prometheus.query(query).expect("an answer");
            last = answer.to_string();
            last.contains(&format!("\"{expected}\""))
        });
    }
}
