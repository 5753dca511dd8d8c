//! Measuring on a machine that other programs use as well.
//!
//! One thread is measured by its processor time, so that waiting for a processor does not count. Several threads
//! are measured by wall time, because waiting for each other counts. Of those, only the runs count in which the
//! threads had nearly all of their processors.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// The share of the processors below which a run does not count.
pub const SHARE_MIN: f64 = 0.9;

/// The number of runs that have to count. With fewer, the runs with the largest shares are taken and marked.
const CLEAN_RUNS_MIN: usize = 3;

/// The number of runs that are taken when too few count.
const BEST_RUNS: usize = 5;

/// The result of several runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The median of the runs.
    pub median: f64,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// The number of runs.
    pub runs: usize,
    /// Whether enough runs had nearly all of their processors.
    pub is_clean: bool,
}

impl Summary {
    /// Summarizes runs that all count.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
        let median = f64::midpoint(at(sorted.len().saturating_sub(1) / 2), at(sorted.len() / 2));
        let max = at(sorted.len().saturating_sub(1));
        Self { median, min: at(0), max, runs: sorted.len(), is_clean: true }
    }

    /// Summarizes runs of which only those with a large share of the processors count.
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

    /// Converts the values to another unit.
    #[must_use]
    pub fn map(self, convert: impl Fn(f64) -> f64) -> Self {
        let (a, b) = (convert(self.min), convert(self.max));
        Self { median: convert(self.median), min: a.min(b), max: a.max(b), ..self }
    }
}

/// A run of several threads: its value, and the share of the processors that the threads had.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    /// The value.
    pub value: f64,
    /// The processor time of all threads, divided by the wall time and the number of threads: from 0 to 1.
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

/// The wall time.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
#[inline]
pub fn wall_time() -> Instant {
    Instant::now()
}

/// A number of nanoseconds, bytes or operations as a float.
#[expect(clippy::cast_precision_loss, reason = "a measured number is less exact than that")]
pub fn number(count: impl TryInto<u64>) -> f64 {
    count.try_into().map_or(f64::NAN, |count| count as f64)
}

/// A duration in nanoseconds.
pub fn nanoseconds(time: Duration) -> f64 {
    number(time.as_nanos())
}

/// An operation to measure on one thread.
pub struct Job<'a> {
    /// The name of the library.
    pub library: &'static str,
    /// Repeats the operation that many times, and returns the processor time that counts.
    pub run: Box<dyn FnMut(u64) -> Duration + 'a>,
}

impl<'a> Job<'a> {
    /// A job whose whole time counts. `operation` is compiled into the loop.
    pub fn new(library: &'static str, operation: impl FnMut() + 'a) -> Self {
        Self::with_upkeep(library, operation, || {})
    }

    /// A job as [`new`](Self::new) makes it. `upkeep` runs after each repetition, and its time does not count.
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

/// The number of repetitions, and their length.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Repetitions of each job.
    pub repetitions: usize,
    /// The shortest repetition on one thread.
    pub repetition_min: Duration,
    /// The shortest repetition on several threads. It is not longer than the time slice of the operating
    /// system, so that some repetitions are undisturbed on a busy machine.
    pub threads_min: Duration,
    /// The largest number of runs on several threads. Runs repeat until as many count as `repetitions` says.
    pub tries_max: usize,
}

impl Effort {
    /// Takes a few minutes in all.
    pub const QUICK: Self = Self {
        repetitions: 15,
        repetition_min: Duration::from_millis(3),
        threads_min: Duration::from_millis(2),
        tries_max: 180,
    };

    /// Takes longer, for results that are kept.
    pub const FULL: Self = Self {
        repetitions: 31,
        repetition_min: Duration::from_millis(10),
        threads_min: Duration::from_millis(4),
        tries_max: 400,
    };
}

/// The processor time of one operation of each job, in nanoseconds. The jobs take turns.
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

/// The number of operations that makes a repetition long enough. Finding the number also warms the job up.
fn times_for(job: &mut Job<'_>, effort: Effort) -> u64 {
    let mut times = 1;
    while (job.run)(times) < effort.repetition_min {
        times *= 2;
    }
    times
}

/// An operation to measure on several threads at once.
pub struct ThreadsJob<'a> {
    /// The name of the library.
    pub library: &'static str,
    /// Repeats the operation that many times, on the thread with that number.
    pub run: Box<dyn Fn(usize, u64) + Sync + 'a>,
    /// Runs between the repetitions. Its time does not count.
    pub upkeep: Box<dyn Fn() + Sync + 'a>,
}

impl std::fmt::Debug for ThreadsJob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThreadsJob").field("library", &self.library).finish_non_exhaustive()
    }
}

/// The wall time divided by the operations of all threads, in nanoseconds. This is one divided by the throughput:
/// with perfect scaling it halves when the number of threads doubles. The jobs take turns.
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

/// Runs `work` on threads that start together. Returns the time until the last thread ends, and the share of the
/// processors that the threads had.
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
