//! Whether a group has expired: a pure function of the group, the time and a limit.

use std::time::{Duration, SystemTime};

use crate::exchange::Group;

/// Whether a group has expired, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expiry {
    /// The group has expired: it is older than its `push_ttl_seconds`.
    PastTtl {
        /// The time since the last push.
        age: Duration,
        /// The `push_ttl_seconds` of the group.
        ttl: Duration,
    },
    /// The group has expired: it has no `push_ttl_seconds`, and is older than the limit.
    TooOld {
        /// The time since the last push.
        age: Duration,
    },
    /// The group has not expired yet.
    NotDue,
    /// The group never expires: its `push_ttl_seconds` is `+Inf`.
    ForEver,
    /// The group never expires: it has no `push_ttl_seconds` and there is no limit, or the time of its last
    /// push is unknown.
    Unlimited,
}

impl Expiry {
    /// Whether the group has expired.
    pub fn is_due(self) -> bool {
        matches!(self, Self::PastTtl { .. } | Self::TooOld { .. })
    }
}

impl Group {
    /// The time since the last push; if no push succeeded, since the last failed one. Zero when that time is
    /// later than `now`, and `None` when neither time is known.
    pub fn age(&self, now: SystemTime) -> Option<Duration> {
        let last = self.last_push.or(self.last_failure)?;
        Some(now.duration_since(last).unwrap_or_default())
    }

    /// Decides whether the group has expired at `now`, a time of the gateway's clock.
    ///
    /// The group's own `push_ttl_seconds` counts; `older_than` is the limit for groups without one.
    pub fn expiry(&self, now: SystemTime, older_than: Option<Duration>) -> Expiry {
        let Some(age) = self.age(now) else { return Expiry::Unlimited };
        match (self.ttl, older_than) {
            (Some(Duration::MAX), _) => Expiry::ForEver,
            (Some(ttl), _) if age > ttl => Expiry::PastTtl { age, ttl },
            (None, Some(limit)) if age > limit => Expiry::TooOld { age },
            (Some(_), _) | (None, Some(_)) => Expiry::NotDue,
            (None, None) => Expiry::Unlimited,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn expiry_by_ttl_age_and_limit() {
        let seconds = Duration::from_secs;
        let at = |second: u64| UNIX_EPOCH + seconds(second);
        let past = |age, ttl| Expiry::PastTtl { age: seconds(age), ttl: seconds(ttl) };
        let old = |age| Expiry::TooOld { age: seconds(age) };
        let check = |push: Option<u64>, failure: Option<u64>, ttl, limit: Option<u64>, expected| {
            let group = Group {
                last_push: push.map(at),
                last_failure: failure.map(at),
                ttl,
                ..Group::default()
            };
            let expiry = group.expiry(at(1000), limit.map(seconds));
            assert_eq!(expiry, expected, "{push:?} {failure:?} {ttl:?} {limit:?}");
        };
        let ttl = |n| Some(seconds(n));
        check(Some(900), None, ttl(99), None, past(100, 99));
        check(Some(900), None, ttl(100), None, Expiry::NotDue);
        check(Some(900), None, ttl(101), Some(1), Expiry::NotDue);
        check(Some(900), None, ttl(1), Some(500), past(100, 1));
        check(Some(900), None, Some(Duration::MAX), Some(1), Expiry::ForEver);
        check(Some(900), None, None, Some(99), old(100));
        check(Some(900), None, None, Some(100), Expiry::NotDue);
        check(Some(900), None, None, None, Expiry::Unlimited);
        // A push that failed later does not make a group younger.
        check(Some(900), Some(999), None, Some(99), old(100));
        check(None, Some(900), None, Some(99), old(100));
        check(None, None, ttl(1), Some(1), Expiry::Unlimited);
        // A clock behind the push.
        check(Some(2000), None, ttl(1), Some(1), Expiry::NotDue);
    }
}
