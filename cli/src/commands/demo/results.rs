//! What was recorded, what arrived, what was lost: pure, so that it can be tested.

use std::process::ExitStatus;

use prompush::{Format, parse};
use prompush_core::{Metric, MetricValue};

use super::TTL;
use super::worker::ITEMS;
use crate::output::plural::count;

/// How a worker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Its work is done.
    ByItself,
    /// It gets a SIGTERM.
    Terminated,
    /// It gets a SIGKILL, which no program can handle.
    Killed,
}

impl Ending {
    /// What is going to happen.
    pub(super) fn plan(self) -> &'static str {
        match self {
            Self::ByItself => "it will end by itself",
            Self::Terminated => "it will get a SIGTERM, and make its last push",
            Self::Killed => "it will get a SIGKILL, and have no time for a last push",
        }
    }
}

/// What is known of one worker.
#[derive(Clone, Debug)]
pub(super) struct WorkerTally {
    pub(super) instance: String,
    pub(super) ending: Ending,
    /// The total that the worker itself reported last.
    pub(super) recorded: u64,
    /// What the gateway holds; `None` if it holds no such group.
    held: Option<u64>,
    /// The most that the gateway held.
    arrived: u64,
    pub(super) is_signalled: bool,
    /// Whether it ended, and as it should have.
    ended: Option<bool>,
    expired: bool,
}

/// What is known of all workers.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) workers: Vec<WorkerTally>,
    /// Whether groups have to expire on this gateway.
    pub(super) expires: bool,
}

impl WorkerTally {
    pub(super) fn new(instance: String, ending: Ending) -> Self {
        Self {
            instance,
            ending,
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
        // The one that is killed has no exit code.
        self.ended = Some(match self.ending {
            Ending::Killed => status.code().is_none(),
            Ending::ByItself | Ending::Terminated => status.success(),
        });
    }

    /// Takes note of what the gateway holds. Whether the group has just expired.
    pub(super) fn saw(&mut self, held: Option<u64>) -> bool {
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
        match (self.ended, self.ending, self.expired) {
            (None, _, _) if self.is_signalled => "ending",
            (None, ..) => "running",
            (Some(false), ..) => "failed",
            (Some(true), _, true) => "killed, group expired",
            (Some(true), Ending::ByItself, _) => "ended by itself",
            (Some(true), Ending::Terminated, _) => "ended by SIGTERM",
            (Some(true), Ending::Killed, _) => "killed by SIGKILL",
        }
    }

    /// The cells of the table after the instance.
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
        format!(
            "the group of {} is gone: its lifetime of {TTL:?} after the last push is over",
            self.instance
        )
    }
}

impl Tally {
    pub(super) fn all_ended(&self) -> bool {
        self.workers.iter().all(WorkerTally::has_ended)
    }

    /// Whether those that have to expire have.
    pub(super) fn all_expired(&self) -> bool {
        self.workers
            .iter()
            .filter(|worker| worker.ending == Ending::Killed)
            .all(|worker| worker.expired)
    }

    /// What was recorded, what arrived, what was lost.
    pub(super) fn sentence(&self) -> String {
        let (killed, clean): (Vec<&WorkerTally>, Vec<&WorkerTally>) =
            self.workers.iter().partition(|worker| worker.ending == Ending::Killed);
        let sum = |workers: &[&WorkerTally], of: fn(&WorkerTally) -> u64| -> u64 {
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
            (true, _) => "and its group has expired",
            (false, true) => "and its group has not expired",
            (false, false) => {
                "and its group stayed until it was deleted, as this gateway knows no expiry"
            }
        };
        format!(
            "Recorded {recorded} items in the {} that ended cleanly, and {clean_part}; recorded {} in the \
             one that was killed, of which {} arrived and {} were lost, {expiry}.",
            count(clean.len(), "program", "programs"),
            sum(&killed, |worker| worker.recorded),
            sum(&killed, |worker| worker.arrived.min(worker.recorded)),
            sum(&killed, WorkerTally::lost),
        )
    }

    /// Why the demo did not show what it is to show.
    pub(super) fn fault(&self) -> Option<String> {
        for worker in &self.workers {
            let WorkerTally { instance, recorded, held, .. } = worker;
            if worker.ended != Some(true) {
                return Some(format!("{instance} did not end as it should have"));
            }
            if *recorded == 0 {
                return Some(format!("{instance} recorded nothing"));
            }
            if worker.ending != Ending::Killed && *held != Some(*recorded) {
                let held = held.map_or_else(|| "nothing".to_owned(), |held| held.to_string());
                return Some(format!("{instance} recorded {recorded}, the gateway holds {held}"));
            }
        }
        (self.expires && !self.all_expired())
            .then(|| "the group of the killed program did not expire".to_owned())
    }
}

/// What an exposition says of the worker's counter.
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

    fn tally(clean: (u64, u64), killed: (u64, u64), expired: bool) -> Tally {
        let mut workers = vec![
            WorkerTally::new("a".into(), Ending::ByItself),
            WorkerTally::new("b".into(), Ending::Killed),
        ];
        for (worker, (recorded, held)) in workers.iter_mut().zip([clean, killed]) {
            worker.recorded = recorded;
            worker.saw(Some(held));
            worker.ended = Some(true);
        }
        if expired {
            assert!(workers[1].saw(None));
            assert!(!workers[1].saw(None), "it expires once");
        }
        Tally { workers, expires: true }
    }

    #[test]
    fn the_sentence_is_honest() {
        assert_eq!(
            tally((10, 10), (20, 17), true).sentence(),
            "Recorded 10 items in the 1 program that ended cleanly, and all 10 arrived; recorded 20 in \
             the one that was killed, of which 17 arrived and 3 were lost, and its group has expired."
        );
        let short = tally((10, 9), (20, 20), false).sentence();
        assert!(short.contains("and 9 arrived; recorded 20"), "{short}");
        assert!(short.contains("0 were lost, and its group has not expired"), "{short}");
    }

    #[test]
    fn only_what_arrived_is_a_success() {
        assert_eq!(tally((10, 10), (20, 17), true).fault(), None);
        let fault = |tally: Tally| tally.fault().unwrap_or_default();
        assert_eq!(fault(tally((10, 9), (20, 17), true)), "a recorded 10, the gateway holds 9");
        assert_eq!(fault(tally((0, 0), (20, 17), true)), "a recorded nothing");
        assert_eq!(
            fault(tally((10, 10), (20, 17), false)),
            "the group of the killed program did not expire"
        );
        let mut stock = tally((10, 10), (20, 17), false);
        stock.expires = false;
        assert_eq!(stock.fault(), None);
        stock.workers[0].ended = Some(false);
        assert_eq!(fault(stock), "a did not end as it should have");
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
