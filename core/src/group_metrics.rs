//! Metrics that tell of a group as a whole: two that a Pushgateway keeps, and one that whoever pushes may add.

use std::time::Duration;

use crate::exposition::metric_family::{Exposition, Metric, MetricFamily, MetricValue};
use crate::exposition::metric_type::MetricType;

/// Gauge that a Pushgateway puts into each group: when it last took a push, in seconds since 1970; 0 for never.
pub const PUSH_TIME: &str = "push_time_seconds";

/// Gauge that a Pushgateway puts into each group: when it last refused a push, in seconds since 1970; 0 for never.
pub const PUSH_FAILURE_TIME: &str = "push_failure_time_seconds";

/// Gauge by which a group says how long it is good for after its last push, in seconds. `prompush gateway` and
/// `prompush gc` delete it after that; to a stock gateway it is a metric like any other.
pub const PUSH_TTL: &str = "push_ttl_seconds";

/// Help text of [`PUSH_TTL`]: the same from everybody, as a gateway wants it.
pub const PUSH_TTL_HELP: &str = "Seconds that this group is good for after its last push.";

/// [`PUSH_TTL`] with that value, to be pushed along.
pub fn push_ttl(ttl: Duration) -> Exposition<'static> {
    let metric = Metric {
        labels: Vec::new().into(),
        value: MetricValue::Number(ttl.as_secs_f64()),
        timestamp_ms: None,
        line: 0,
    };
    let family = MetricFamily {
        name: PUSH_TTL.into(),
        help: Some(PUSH_TTL_HELP.into()),
        metric_type: MetricType::Gauge,
        metrics: vec![metric],
    };
    Exposition { families: vec![family] }
}
