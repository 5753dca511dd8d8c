//! Metrics about a group as a whole: two that a Pushgateway sets, and one that a pusher may add.

use std::time::Duration;

use crate::exposition::{Exposition, Metric, MetricFamily, MetricType, MetricValue};

/// The gauge that a Pushgateway adds to each group: the time of the group's last successful push, in
/// seconds since the Unix epoch; 0 if there was none.
pub const PUSH_TIME: &str = "push_time_seconds";

/// The gauge that a Pushgateway adds to each group: the time of the group's last refused push, in
/// seconds since the Unix epoch; 0 if there was none.
pub const PUSH_FAILURE_TIME: &str = "push_failure_time_seconds";

/// The gauge with which a pusher sets the group's time to live: for how many seconds after its last
/// push the group is valid.
///
/// `prompush gateway` and `prompush gc` delete the group after that time. To a stock gateway it is a
/// metric like any other.
pub const PUSH_TTL: &str = "push_ttl_seconds";

/// The help text of [`PUSH_TTL`]. It must be the same in every push, because a gateway shows one help
/// text for all groups.
pub const PUSH_TTL_HELP: &str = "Seconds that this group is good for after its last push.";

/// The family [`PUSH_TTL`] with the value `ttl`, to be pushed with the other families of a group.
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
