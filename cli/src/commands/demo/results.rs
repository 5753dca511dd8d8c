//! The items that each worker recorded, those that arrived at the gateway, and those that were lost.

use std::process::ExitStatus;

use prompush::{Format, parse};
use prompush_core::{Metric, MetricValue};

use crate::commands::demo::schedule::TTL;
use crate::commands::demo::worker::ITEMS;
use crate::plural::count;

/// How a worker is planned to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlannedEnd {
    /// Its work is finished.
    ByItself,
    /// The worker gets SIGTERM.
    Terminated,
    /// The worker gets SIGKILL, which no program can handle.
    Killed,
}

impl PlannedEnd {
    /// The plan as a part of a message.
    pub(super) fn plan(self) -> &'static str {
        match self {
            Self::ByItself => "it will end by itself",
            Self::Terminated => "it will get SIGTERM and make a last push",
            Self::Killed => "it will get SIGKILL, which leaves no time for a last push",
        }
    }
}

/// The results of one worker.
#[derive(Clone, Debug)]
pub(super) struct WorkerResult {
    pub(super) instance: String,
    pub(super) end: PlannedEnd,
    /// The total that the worker reported last.
    pub(super) recorded: u64,
    /// The total that the gateway holds. `None` if the gateway does not have the group.
    held: Option<u64>,
    /// The highest total that the gateway has held.
    arrived: u64,
    pub(super) is_signalled: bool,
    /// `None` while the worker runs; then whether it ended as planned.
    ended: Option<bool>,
    expired: bool,
}

/// The results of all workers.
#[derive(Clone, Debug)]
pub(super) struct Results {
    pub(super) workers: Vec<WorkerResult>,
    /// Whether the gateway expires groups. A stock gateway does not.
    pub(super) expires: bool,
}

impl WorkerResult {
    pub(super) fn new(instance: String, end: PlannedEnd) -> Self {
        Self {
            instance,
            end,
            recorded: 0,
            held: None,
            arrived: 0,
            is_signalled: false,
            ended: None,
            expired: false,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    pub(super) fn ended(&mut self, status: ExitStatus) {
        // A killed process has no exit code.
        self.ended = Some(match self.end {
            PlannedEnd::Killed => status.code().is_none(),
            PlannedEnd::ByItself | PlannedEnd::Terminated => status.success(),
        });
    }

    /// Stores the total that the gateway holds now. Returns whether the group has just expired.
    pub(super) fn update(&mut self, held: Option<u64>) -> bool {
        let has_just_expired =
            self.has_ended() && self.held.is_some() && held.is_none() && !self.expired;
        self.held = held;
        self.arrived = self.arrived.max(held.unwrap_or(0));
        self.expired |= has_just_expired;
        has_just_expired
    }

    fn lost(&self) -> u64 {
        self.recorded.saturating_sub(self.arrived)
    }

    pub(super) fn state(&self) -> &'static str {
        match (self.ended, self.end, self.expired) {
            (None, _, _) if self.is_signalled => "ending",
            (None, ..) => "running",
            (Some(false), ..) => "failed",
            (Some(true), _, true) => "killed, group expired",
            (Some(true), PlannedEnd::ByItself, _) => "ended by itself",
            (Some(true), PlannedEnd::Terminated, _) => "ended by SIGTERM",
            (Some(true), PlannedEnd::Killed, _) => "killed by SIGKILL",
        }
    }

    /// The two numbers of the row: recorded, and held by the gateway.
    pub(super) fn numbers(&self) -> (u64, String) {
        let held = self.held.map_or_else(|| "-".to_owned(), |held| held.to_string());
        (self.recorded, held)
    }

    pub(super) fn ended_line(&self) -> String {
        let Self { instance, recorded, .. } = self;
        let (_, held) = self.numbers();
        format!("{instance} {}: recorded {recorded}, the gateway holds {held}", self.state())
    }

    pub(super) fn expired_line(&self) -> String {
        format!("the group of {} has expired, {TTL:?} after its last push", self.instance)
    }
}

impl Results {
    pub(super) fn all_ended(&self) -> bool {
        self.workers.iter().all(WorkerResult::has_ended)
    }

    /// Whether the group of each killed worker has expired.
    pub(super) fn all_expired(&self) -> bool {
        self.workers
            .iter()
            .filter(|worker| worker.end == PlannedEnd::Killed)
            .all(|worker| worker.expired)
    }

    /// One sentence: what was recorded, what arrived, what was lost.
    pub(super) fn summary(&self) -> String {
        let (killed, clean): (Vec<&WorkerResult>, Vec<&WorkerResult>) =
            self.workers.iter().partition(|worker| worker.end == PlannedEnd::Killed);
        let sum = |workers: &[&WorkerResult], of: fn(&WorkerResult) -> u64| -> u64 {
            workers.iter().map(|worker| of(worker)).sum()
        };
        let recorded = sum(&clean, |worker| worker.recorded);
        let arrived = sum(&clean, |worker| worker.held.unwrap_or(0));
        let clean_part = if arrived == recorded {
            format!("all {arrived} arrived")
        } else {
            format!("{arrived} arrived")
        };
        let expiry = match (self.all_expired(), self.expires) {
            (true, _) => "its group has expired",
            (false, true) => "its group has not expired",
            (false, false) => {
                "its group stayed until the demo deleted it, because this gateway does not expire groups"
            }
        };
        format!(
            "The {} that ended cleanly recorded {recorded} items, and {clean_part}. The program that was killed \
             recorded {} items: {} arrived and {} were lost; {expiry}.",
            count(clean.len(), "program", "programs"),
            sum(&killed, |worker| worker.recorded),
            sum(&killed, |worker| worker.arrived.min(worker.recorded)),
            sum(&killed, WorkerResult::lost),
        )
    }

    /// Why the demo has failed, if it has.
    pub(super) fn failure(&self) -> Option<String> {
        for worker in &self.workers {
            let WorkerResult { instance, recorded, held, .. } = worker;
            if worker.ended != Some(true) {
                return Some(format!("{instance} did not end as planned"));
            }
            if *recorded == 0 {
                return Some(format!("{instance} recorded nothing"));
            }
            if worker.end != PlannedEnd::Killed && *held != Some(*recorded) {
                let held = held.map_or_else(|| "nothing".to_owned(), |held| held.to_string());
                return Some(format!("{instance} recorded {recorded}, the gateway holds {held}"));
            }
        }
        (self.expires && !self.all_expired())
            .then(|| "the group of the killed program did not expire".to_owned())
    }
}

/// The value of the counter of one worker in an exposition.
pub(super) fn arrived(exposition: &[u8], job: &str, instance: &str) -> Option<u64> {
    let exposition = parse(exposition, Format::Text).ok()?;
    let has = |metric: &Metric<'_>, name: &str, value: &str| {
        metric.labels.iter().any(|label| label == (name, value))
    };
    let mut metrics = exposition.family(ITEMS)?.metrics.iter();
    let found = metrics.find(|m| has(m, "job", job) && has(m, "instance", instance))?;
    match found.value {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of items, whole and small"
        )]
        MetricValue::Number(value) => Some(value as u64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(clean: (u64, u64), killed: (u64, u64), expired: bool) -> Results {
        let mut workers = vec![
            WorkerResult::new("a".into(), PlannedEnd::ByItself),
            WorkerResult::new("b".into(), PlannedEnd::Killed),
        ];
        for (worker, (recorded, held)) in workers.iter_mut().zip([clean, killed]) {
            worker.recorded = recorded;
            worker.update(Some(held));
            worker.ended = Some(true);
        }
        if expired {
            assert!(workers[1].update(None));
            assert!(!workers[1].update(None), "it expires once");
        }
        Results { workers, expires: true }
    }

    #[test]
    fn the_sentence_is_honest() {
        assert_eq!(
            results((10, 10), (20, 17), true).summary(),
            "The 1 program that ended cleanly recorded 10 items, and all 10 arrived. The program that was killed \
             recorded 20 items: 17 arrived and 3 were lost; its group has expired."
        );
        let short = results((10, 9), (20, 20), false).summary();
        assert!(
            short.contains("and 9 arrived. The program that was killed recorded 20"),
            "{short}"
        );
        assert!(short.contains("0 were lost; its group has not expired"), "{short}");
    }

    #[test]
    fn only_what_arrived_is_a_success() {
        assert_eq!(results((10, 10), (20, 17), true).failure(), None);
        let failure = |results: Results| results.failure().unwrap_or_default();
        assert_eq!(failure(results((10, 9), (20, 17), true)), "a recorded 10, the gateway holds 9");
        assert_eq!(failure(results((0, 0), (20, 17), true)), "a recorded nothing");
        assert_eq!(
            failure(results((10, 10), (20, 17), false)),
            "the group of the killed program did not expire"
        );
        let mut stock = results((10, 10), (20, 17), false);
        stock.expires = false;
        assert_eq!(stock.failure(), None);
        stock.workers[0].ended = Some(false);
        assert_eq!(failure(stock), "a did not end as planned");
    }

    #[test]
    fn a_counter_is_found_by_its_labels() {
        let text = "# TYPE demo_items_processed_total counter\n\
                    demo_items_processed_total{instance=\"w\",job=\"demo\"} 7\n\
                    demo_items_processed_total{instance=\"v\",job=\"demo\"} 8\n";
        assert_eq!(arrived(text.as_bytes(), "demo", "v"), Some(8));
        assert_eq!(arrived(text.as_bytes(), "demo", "x"), None);
        assert_eq!(arrived(b"", "demo", "x"), None);
    }
}
