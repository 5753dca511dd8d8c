//! The longest lookup while all series are encoded and one series is created.
//!
//! Three threads take part. The first encodes once. The second looks a series up until the encode ends. The third
//! creates a series after a quarter of the encode.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};
use std::time::Duration;

use anyhow::{Context as _, Result};
use prompush_benches::floor::Floor;
use prompush_benches::measure::{Effort, Shared, Summary, nanoseconds, processor_time, wall_time};
use prompush_benches::peer::Prompush;
use prompush_benches::workload::{borrowed, counter_labels};
use prompush_benches::{Peer, Workload, for_each_peer};
use prompush_core::Encoder;

use crate::row::Row;

/// The number of series in the family.
const SERIES: u32 = 100_000;

/// The series that is looked up.
const LOOKED_UP: u32 = 7;

/// The time of a lookup above which the bench checks whether the lookup waited for a lock or only for a processor.
const SLOW_MIN: Duration = Duration::from_micros(20);

/// The number of encodes to try for each one that has to count.
const TRIES: usize = 2;

/// The pause of a waiting thread between two checks.
const POLL: Duration = Duration::from_micros(50);

/// The result of one encode with one creation.
struct Stall {
    lookup: Shared,
    creation: Shared,
}

/// The time in which the thread looks series up.
#[derive(Debug, Default)]
struct Window {
    is_ready: AtomicBool,
    is_over: AtomicBool,
}

/// The longest lookup, and the share of the time in which the thread looked up or waited for a lock. In the rest of
/// the time, other threads had its processor.
struct Longest {
    time: Duration,
    share: f64,
}

/// One library, or the floor.
struct Subject<'a> {
    name: &'static str,
    encode: Box<dyn FnMut() + Send + 'a>,
    /// Sets `is_ready`, and then looks series up until `is_over`.
    look_up: Box<dyn Fn(&Window) -> Longest + Send + Sync + 'a>,
    /// Creates a series that does not exist yet.
    create: Box<dyn FnMut() + Send + 'a>,
    stalls: Vec<Stall>,
}

pub(crate) fn rows(effort: Effort) -> Result<Vec<Row>> {
    let mut subjects = Vec::new();
    for_each_peer!(P => subjects.push(subject::<P>()?));
    subjects.push(floor()?);
    for subject in &mut subjects {
        let start = wall_time();
        (subject.encode)();
        let delay = start.elapsed() / 4;
        for _ in 0..effort.repetitions * TRIES {
            let clean = subject.stalls.iter().filter(|stall| stall.lookup.is_clean()).count();
            if clean < effort.repetitions {
                let stall = stall(subject, delay)?;
                subject.stalls.push(stall);
            }
        }
    }
    let of = |part: fn(&Stall) -> Shared| -> Vec<(&'static str, Summary)> {
        let summary = |subject: &Subject<'_>| {
            let runs: Vec<Shared> = subject.stalls.iter().map(part).collect();
            (subject.name, Summary::of_shared(&runs).map(|ns| ns / 1e6))
        };
        subjects.iter().map(summary).collect()
    };
    let title = "longest lookup stall, 100,000 series encoded, one created";
    Ok(vec![
        Row::new("stall_lookup", title, "ms")
            .with(of(|stall| stall.lookup))
            .target(0.1)
            .best_peer_was(0.1)
            .note("lookups that only waited for a processor are left out"),
        Row::new("stall_creation", "the creation itself, meanwhile", "ms")
            .with(of(|stall| stall.creation)),
    ])
}

fn subject<P: Peer>() -> Result<Subject<'static>> {
    let peer = Arc::new(P::filled(Workload::counters(SERIES))?);
    let (looked_up, created) = (Arc::clone(&peer), Arc::clone(&peer));
    let labels = counter_labels(LOOKED_UP);
    let mut next = SERIES;
    let mut buffer = P::Buffer::default();
    Ok(Subject {
        name: P::NAME,
        encode: Box::new(move || {
            black_box(peer.encode_text(&mut buffer).map_or(0, <[u8]>::len));
        }),
        look_up: Box::new(move |window| {
            longest(window, || looked_up.add_by_labels(borrowed(&labels), 1))
        }),
        create: Box::new(move || {
            created.add_by_labels(borrowed(&counter_labels(next)), 1);
            next += 1;
        }),
        stalls: Vec::new(),
    })
}

/// The same threads without a registry, which shows the influence of the machine and the clock.
fn floor() -> Result<Subject<'static>> {
    let ours = Prompush::filled(Workload::counters(SERIES))?;
    let floor = Floor::of(ours.encode_text(&mut Encoder::default())?);
    let (bare, mut out) = (AtomicU64::new(0), Vec::new());
    Ok(Subject {
        name: "floor: bare atomic",
        encode: Box::new(move || {
            floor.format(&mut out);
            black_box(out.as_slice());
        }),
        look_up: Box::new(move |window| {
            longest(window, || {
                bare.fetch_add(1, Relaxed);
            })
        }),
        create: Box::new(|| {}),
        stalls: Vec::new(),
    })
}

fn stall(subject: &mut Subject<'_>, delay: Duration) -> Result<Stall> {
    let (window, has_begun) = (Window::default(), AtomicBool::new(false));
    let Subject { encode, look_up, create, .. } = subject;
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| look_up(&window));
        let creating = scope.spawn(|| {
            while !has_begun.load(Acquire) {
                std::thread::park_timeout(POLL);
            }
            std::thread::park_timeout(delay);
            let start = wall_time();
            create();
            start.elapsed()
        });
        while !window.is_ready.load(Acquire) {
            std::thread::park_timeout(POLL);
        }
        has_begun.store(true, Release);
        let (start, processor) = (wall_time(), processor_time());
        encode();
        let (wall, processor) = (start.elapsed(), processor_time().saturating_sub(processor));
        window.is_over.store(true, Release);
        let longest = looking.join().ok().context("the thread that looks up panicked")?;
        let creation = creating.join().ok().context("the thread that creates panicked")?;
        let share = longest.share.min(processor.as_secs_f64() / wall.as_secs_f64());
        Ok(Stall {
            lookup: Shared { value: nanoseconds(longest.time), share },
            creation: Shared { value: nanoseconds(creation), share },
        })
    })
}

#[inline]
fn longest(window: &Window, mut operation: impl FnMut()) -> Longest {
    let (mut longest, mut waited) = (Duration::ZERO, Duration::ZERO);
    let mut switches = Switches::now();
    window.is_ready.store(true, Release);
    let (begin, processor) = (wall_time(), processor_time());
    while !window.is_over.load(Acquire) {
        let start = wall_time();
        operation();
        let time = start.elapsed();
        if time >= SLOW_MIN {
            let before = std::mem::replace(&mut switches, Switches::now());
            if switches.voluntary == before.voluntary && switches.involuntary > before.involuntary {
                continue; // the thread waited for a processor, not for a lock
            }
            waited += time;
        }
        longest = longest.max(time);
    }
    let looked_up = processor_time().saturating_sub(processor) + waited;
    let share = looked_up.as_secs_f64() / begin.elapsed().as_secs_f64();
    Longest { time: longest, share: share.min(1.0) }
}

/// The number of times that this thread left its processor.
#[derive(Clone, Copy, Default)]
struct Switches {
    /// To wait for an event.
    voluntary: u64,
    /// Because another thread got the processor.
    involuntary: u64,
}

impl Switches {
    /// Reads the numbers from Linux. On other systems both are 0, so that no lookup is left out.
    fn now() -> Self {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        let field = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name));
            value.and_then(|value| value.trim().parse().ok()).unwrap_or_default()
        };
        Self {
            voluntary: field("voluntary_ctxt_switches:"),
            involuntary: field("nonvoluntary_ctxt_switches:"),
        }
    }
}
