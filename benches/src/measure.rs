//! Measuring on a machine that others use as well.
//!
//! One thread is measured by the processor time it got, so that waiting for a turn does not
//! count. Several threads are measured by wall time, since waiting for each other does, and only
//! runs count in which they had the processors to themselves.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Runs in which the threads had less than this share of the processors do not count.
pub const SHARE_MIN: f64 = 0.9;

/// With fewer runs that count, those with the largest shares are taken, and said so.
const CLEAN_RUNS_MIN: usize = 3;

/// How many runs are taken when too few count.
const BEST_RUNS: usize = 5;

/// What several runs gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Half of the runs gave less.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
    /// How many runs.
    pub runs: usize,
    /// Whether the threads had their processors to themselves in enough runs.
    pub is_clean: bool,
}

impl Summary {
    /// Of runs that all count.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
        let median = f64::midpoint(at(sorted.len().saturating_sub(1) / 2), at(sorted.len() / 2));
        let max = at(sorted.len().saturating_sub(1));
        Self { median, min: at(0), max, runs: sorted.len(), is_clean: true }
    }

    /// Of runs that count if their share of the processors was large enough.
    pub fn of_shared(runs: &[Shared]) -> Self {
        let clean: Vec<f64> =
            runs.iter().filter(|run| run.is_clean()).map(|run| run.value).collect();
        if clean.len() >= CLEAN_RUNS_MIN {
            return Self::of(&clean);
        }
        let mut by_share = runs.to_vec();
        by_share.sort_by(|a, b| b.share.total_cmp(&a.share));
        let best: Vec<f64> = by_share.iter().take(BEST_RUNS).map(|run| run.value).collect();
        Self { is_clean: false, ..Self::of(&best) }
    }

    /// The same in another unit.
    #[must_use]
    pub fn map(self, convert: impl Fn(f64) -> f64) -> Self {
        let (a, b) = (convert(self.min), convert(self.max));
        Self { median: convert(self.median), min: a.min(b), max: a.max(b), ..self }
    }
}

/// A run of several threads: what it gave, and the share of the processors they had.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    /// What it gave.
    pub value: f64,
    /// Processor time of all threads by their number and the wall time, from 0 to 1.
    pub share: f64,
}

impl Shared {
    /// Whether the run counts.
    pub fn is_clean(&self) -> bool {
        self.share >= SHARE_MIN
    }
}

/// The processor time of this thread.
pub fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = Duration::from_secs(time.tv_sec.try_into().unwrap_or_default());
    seconds + Duration::from_nanos(time.tv_nsec.try_into().unwrap_or_default())
}

/// The time on the wall.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
#[inline]
pub fn wall_time() -> Instant {
    Instant::now()
}

/// A number of nanoseconds, bytes or operations, to reckon with.
#[expect(clippy::cast_precision_loss, reason = "a measured number is less exact than that")]
pub fn number(count: impl TryInto<u64>) -> f64 {
    count.try_into().map_or(f64::NAN, |count| count as f64)
}

/// Nanoseconds.
pub fn nanoseconds(time: Duration) -> f64 {
    number(time.as_nanos())
}

/// Something to measure on one thread.
pub struct Job<'a> {
    /// Whose.
    pub library: &'static str,
    /// Does it that many times over, and gives the processor time of what counts.
    pub run: Box<dyn FnMut(u64) -> Duration + 'a>,
}

impl<'a> Job<'a> {
    /// A job that counts whole; `operation` is compiled into the loop.
    pub fn new(library: &'static str, operation: impl FnMut() + 'a) -> Self {
        Self::with_upkeep(library, operation, || {})
    }

    /// As [`new`](Self::new), with something in between that does not count.
    pub fn with_upkeep(
        library: &'static str,
        mut operation: impl FnMut() + 'a,
        mut upkeep: impl FnMut() + 'a,
    ) -> Self {
        let run = move |times: u64| {
            let start = processor_time();
            for _ in 0..times {
                operation();
            }
            let time = processor_time().saturating_sub(start);
            upkeep();
            time
        };
        Self { library, run: Box::new(run) }
    }
}

impl std::fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("library", &self.library).finish_non_exhaustive()
    }
}

/// How often, and how long each time.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Repetitions of each job.
    pub repetitions: usize,
    /// The least that a repetition on one thread takes.
    pub repetition_min: Duration,
    /// The least that a repetition on several threads takes: not more than a turn that the
    /// operating system gives, so that on a busy machine some repetitions are undisturbed.
    pub threads_min: Duration,
    /// How many runs of several threads are tried for as many clean ones as there are repetitions.
    pub tries_max: usize,
}

impl Effort {
    /// A few minutes in all.
    pub const QUICK: Self = Self {
        repetitions: 15,
        repetition_min: Duration::from_millis(3),
        threads_min: Duration::from_millis(2),
        tries_max: 180,
    };

    /// For results that are kept.
    pub const FULL: Self = Self {
        repetitions: 31,
        repetition_min: Duration::from_millis(10),
        threads_min: Duration::from_millis(4),
        tries_max: 400,
    };
}

/// Nanoseconds of one operation of each job, in processor time; the jobs take turns.
pub fn by_processor_time(mut jobs: Vec<Job<'_>>, effort: Effort) -> Vec<(&'static str, Summary)> {
    let times: Vec<u64> = jobs.iter_mut().map(|job| times_for(job, effort)).collect();
    let mut values = vec![Vec::new(); jobs.len()];
    for _ in 0..effort.repetitions {
        for ((job, times), values) in jobs.iter_mut().zip(&times).zip(&mut values) {
            values.push(nanoseconds((job.run)(*times)) / number(*times));
        }
    }
    let summaries = values.iter().map(|values| Summary::of(values));
    jobs.iter().map(|job| job.library).zip(summaries).collect()
}

/// How many times make a repetition long enough to be measured; they warm the job up as well.
fn times_for(job: &mut Job<'_>, effort: Effort) -> u64 {
    let mut times = 1;
    while (job.run)(times) < effort.repetition_min {
        times *= 2;
    }
    times
}

/// Something to measure on several threads at once.
pub struct ThreadsJob<'a> {
    /// Whose.
    pub library: &'static str,
    /// Does it that many times over, on the thread of that number.
    pub run: Box<dyn Fn(usize, u64) + Sync + 'a>,
    /// What does not count, between the repetitions.
    pub upkeep: Box<dyn Fn() + Sync + 'a>,
}

impl std::fmt::Debug for ThreadsJob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThreadsJob").field("library", &self.library).finish_non_exhaustive()
    }
}

/// Nanoseconds of wall time by operations of all threads together, that is one by the throughput:
/// perfect scaling halves it when the threads are doubled. The jobs take turns.
pub fn by_wall_time(
    jobs: &[ThreadsJob<'_>],
    threads: usize,
    effort: Effort,
) -> Vec<(&'static str, Summary)> {
    let times: Vec<u64> = jobs.iter().map(|job| times_on_threads(job, threads, effort)).collect();
    let mut runs = vec![Vec::<Shared>::new(); jobs.len()];
    for _ in 0..effort.tries_max {
        for ((job, times), runs) in jobs.iter().zip(&times).zip(&mut runs) {
            if runs.iter().filter(|run| run.is_clean()).count() < effort.repetitions {
                let (wall, share) = on_threads(threads, |thread| (job.run)(thread, *times));
                let value = nanoseconds(wall) / number(*times) / number(threads as u64);
                runs.push(Shared { value, share });
                (job.upkeep)();
            }
        }
    }
    let summaries = runs.iter().map(|runs| Summary::of_shared(runs));
    jobs.iter().map(|job| job.library).zip(summaries).collect()
}

fn times_on_threads(job: &ThreadsJob<'_>, threads: usize, effort: Effort) -> u64 {
    let mut times = 1024;
    loop {
        let (wall, _) = on_threads(threads, |thread| (job.run)(thread, times));
        (job.upkeep)();
        if wall >= effort.threads_min {
            return times;
        }
        times *= 2;
    }
}

/// Runs `work` on threads that begin together: how long until the last ends, and the share of the
/// processors they had.
pub fn on_threads(threads: usize, work: impl Fn(usize) + Sync) -> (Duration, f64) {
    let ready = AtomicUsize::new(0);
    let run = |thread: usize| {
        ready.fetch_add(1, SeqCst);
        while ready.load(SeqCst) < threads {
            std::hint::spin_loop();
        }
        let (start, processor_start) = (wall_time(), processor_time());
        work(thread);
        (start, wall_time(), processor_time().saturating_sub(processor_start))
    };
    let run = &run;
    let times: Vec<(Instant, Instant, Duration)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let start = times.iter().map(|(start, ..)| *start).min();
    let end = times.iter().map(|(_, end, _)| *end).max();
    let wall = end.zip(start).map_or(Duration::ZERO, |(end, start)| end - start);
    let processor: Duration = times.iter().map(|(.., processor)| *processor).sum();
    (wall, processor.as_secs_f64() / (wall.as_secs_f64() * number(threads as u64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_of_the_runs_that_count() {
        let run = |value: f64, share: f64| Shared { value, share };
        let runs = [run(9.0, 0.5), run(1.0, 0.95), run(3.0, 1.0), run(2.0, 0.9)];
        let summary = Summary::of_shared(&runs);
        assert_eq!((summary.median, summary.min, summary.max), (2.0, 1.0, 3.0));
        assert!(summary.is_clean);
        let summary = Summary::of_shared(&runs[..3]);
        assert!(!summary.is_clean);
        assert_eq!(summary.runs, 3);
    }

    #[test]
    fn the_median_of_two_lies_between() {
        assert!((Summary::of(&[1.0, 4.0]).median - 2.5).abs() < 1e-9);
    }

    #[test]
    fn threads_begin_together_and_end() {
        let (wall, share) = on_threads(2, |_| {});
        assert!(wall < Duration::from_mins(1));
        assert!(share >= 0.0);
    }
}
