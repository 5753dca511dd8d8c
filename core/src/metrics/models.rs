//! Models of the concurrent code of this crate, for the model checker loom.
//!
//! Loom runs each model with every order of the threads' steps, and with every value that the memory
//! orderings allow a load to see. It interrupts a thread that could go on at most [`PREEMPTIONS_MAX`]
//! times.
//!
//! ```sh
//! RUSTFLAGS="--cfg prompush_loom" cargo test --release -p prompush-core --lib models
//! ```
//!
//! The models take seconds. With this flag, `sync.rs` provides the atomics and locks of loom, and the
//! code of the crate is the same otherwise, except that the hasher of a family has a fixed seed. The
//! other unit tests do not run with this flag.
//!
//! Loom remembers only the last access to an atomic, so a thread's own load can hide an earlier load of
//! another thread. So in each model the main thread, which runs first, writes the most. The other threads
//! can then still see every older value.

use std::sync::Arc;

use loom::thread::{self, JoinHandle};

use crate::metrics::Sealed;
use crate::metrics::family_state::EncodeFamily as _;
use crate::metrics::series_map::SeriesMap;
use crate::metrics::{Buckets, Counter, CounterF64, Gauge, Histogram};
use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;

const PREEMPTIONS_MAX: usize = 3;

/// Runs `model` in every order, and prints the number of orders.
fn check(name: &str, model: impl Fn() + Send + Sync + 'static) {
    let runs = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS_MAX);
    builder.max_branches = 100_000;
    builder.check(move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        model();
    });
    println!("{name}: {} orders", runs.load(std::sync::atomic::Ordering::Relaxed));
}

/// A series whose text is written before the series is put into the map, with `Relaxed`. A thread that
/// finds the series and reads the text 0 has found the series too early.
struct Series {
    key: u64,
    text: AtomicU64,
}

impl Series {
    fn new(key: u64) -> Self {
        let text = AtomicU64::new(0);
        text.store(key, Relaxed);
        Self { key, text }
    }

    fn assert_complete(&self) {
        assert_eq!(self.text.load(Relaxed), self.key, "a series was seen before it was complete");
    }
}

/// The hash of every key. All series collide in the table.
const HASH: u64 = 1 << 32;

type Map = SeriesMap<Series>;

fn find(map: &Map, key: u64) -> Option<&Series> {
    let found = map.find(HASH, |series| series.key == key);
    found.inspect(|series| series.assert_complete())
}

fn create(map: &Map, key: u64, max: usize) -> Option<&Series> {
    let created = map.find_or_insert(HASH, |series| series.key == key, max, Series::new(key));
    created.inspect(|series| series.assert_complete())
}

/// Reads what an encode reads: every slot below the length. Returns the length.
fn encode(map: &Map) -> usize {
    let len = map.len();
    for slot in 0..len {
        map.get(slot).expect("each slot below the length is filled").assert_complete();
    }
    len
}

fn spawn<T: Send + Sync + 'static>(
    shared: &Arc<T>,
    act: impl FnOnce(&T) + 'static,
) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    thread::spawn(move || act(&shared))
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        thread.join().expect("a thread of the model ends");
    }
}

#[test]
fn two_threads_that_create_one_series_get_the_same() {
    check("one series", || {
        let map = Arc::new(Map::new());
        let place =
            |series: Option<&Series>| std::ptr::from_ref(series.expect("there is room")).addr();
        let other = {
            let map = Arc::clone(&map);
            thread::spawn(move || place(create(&map, 1, 9)))
        };
        let own = place(create(&map, 1, 9));
        assert_eq!(other.join().expect("it ends"), own);
        assert_eq!(encode(&map), 1);
    });
}

/// Looks up and encodes while other threads create series. Every series that is seen must be complete and
/// must stay in the map.
fn read(map: &Map, keys: [u64; 2]) {
    let before = encode(map);
    let found = keys.map(|key| find(map, key).is_some());
    let after = encode(map);
    assert!(before <= after, "no series goes away");
    for (key, found) in keys.into_iter().zip(found) {
        assert!(!found || find(map, key).is_some(), "what was found is found again");
    }
}

#[test]
fn a_series_is_complete_as_soon_as_it_is_found() {
    check("create beside a reader", || {
        let map = Arc::new(Map::new());
        let reader = spawn(&map, |map| read(map, [1, 2]));
        create(&map, 1, 9);
        create(&map, 2, 9);
        join([reader]);
        assert_eq!(encode(&map), 2);
    });
}

#[test]
fn two_creators_and_a_reader_agree() {
    check("two creators and a reader", || {
        let map = Arc::new(Map::new());
        let other = spawn(&map, |map| {
            create(map, 2, 9);
            assert!(find(map, 2).is_some(), "a thread finds what it created");
        });
        let reader = spawn(&map, |map| {
            find(map, 1);
            encode(map);
        });
        create(&map, 1, 9);
        assert!(find(&map, 1).is_some(), "a thread finds what it created");
        join([other, reader]);
        assert_eq!(encode(&map), 2);
        assert!([1, 2].iter().all(|key| find(&map, *key).is_some()));
    });
}

#[test]
fn no_series_is_lost_while_the_index_grows() {
    /// The number of series that fill the first table. The next two creations copy its entries.
    const BEFORE: u64 = 8;
    check("growth", || {
        let map = Map::new();
        for key in 1..=BEFORE {
            create(&map, key, 99);
        }
        let map = Arc::new(map);
        let reader = spawn(&map, |map| {
            assert!(find(map, 1).is_some(), "an old series is there");
            let seen = find(map, BEFORE + 1).is_some();
            assert!(!seen || find(map, BEFORE + 1).is_some(), "what was found is found again");
            assert!(find(map, BEFORE).is_some(), "an old series is there");
        });
        create(&map, BEFORE + 1, 99);
        assert!(find(&map, BEFORE).is_some(), "it is found before it is moved");
        create(&map, BEFORE + 2, 99);
        join([reader]);
        assert_eq!(encode(&map), 10);
        assert!((1..=BEFORE + 2).all(|key| find(&map, key).is_some()));
    });
}

#[test]
fn the_limit_on_series_holds() {
    check("limit", || {
        let map = Arc::new(Map::new());
        let other = spawn(&map, |map| {
            create(map, 2, 1);
            assert_eq!(encode(map), 1);
        });
        create(&map, 1, 1);
        assert_eq!(encode(&map), 1);
        join([other]);
        assert_eq!(encode(&map), 1);
    });
}

#[test]
fn a_family_is_encoded_beside_its_creators() {
    check("family", || {
        let family = crate::Family::<crate::LabelNames<1>, Counter>::new(
            "calls",
            "",
            [crate::LabelName::new("tool").expect("a good name")].into(),
            (),
            None,
        )
        .limit_series(2);
        let family = Arc::new(family);
        let other = spawn(&family, |family| family.with(["a"]).inc());
        let encoder = spawn(&family, |family| {
            let (first, second) = (total(family), total(family));
            assert!(
                first <= second && second <= 3,
                "a count goes up, as far as there is something"
            );
        });
        family.with(["b"]).inc();
        family.with(["a"]).inc();
        join([other, encoder]);
        assert_eq!(family.with(["a"]).get(), 2, "both threads got the same counter");
        assert_eq!((family.len(), total(&family)), (2, 3));
    });
}

/// The sum of all series in an encode, which must have each series once, sorted.
fn total(family: &crate::Family<crate::LabelNames<1>, Counter>) -> u64 {
    let mut encoder = crate::Encoder::new(crate::Format::Text);
    family.state.encode(&mut encoder);
    let text = String::from_utf8(encoder.as_bytes().to_vec()).expect("text");
    let samples: Vec<(&str, &str)> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .collect();
    assert!(samples.is_sorted_by(|a, b| a.0 < b.0), "{text}");
    samples.iter().map(|(_, value)| value.parse::<u64>().expect("a count")).sum()
}

#[test]
fn a_histogram_loses_no_observation() {
    check("observe beside observe", || {
        let buckets = Buckets::new([1.0]).expect("good bounds");
        let histogram = Arc::new(Histogram::create(&buckets));
        // One thread owns a shard; the other two may collide in theirs.
        let others = [0.125, 2.0];
        let others =
            others.map(|value| spawn(&histogram, move |all: &Histogram| all.observe(value)));
        histogram.observe(0.5);
        histogram.observe(0.25);
        join(others);
        assert_eq!(histogram.count(), 4);
        assert!((histogram.sum() - 2.875).abs() < f64::EPSILON);
    });
}

#[test]
fn each_snapshot_of_a_histogram_agrees_with_itself() {
    check("observe beside encode", || {
        let buckets = Buckets::new([1.0]).expect("good bounds");
        let histogram = Arc::new(Histogram::create(&buckets));
        let encoder = spawn(&histogram, |histogram| {
            let first = snapshot(histogram);
            let second = snapshot(histogram);
            assert!(
                first <= second && second <= 2,
                "a count goes up, as far as there is something"
            );
        });
        let other = spawn(&histogram, |histogram| histogram.observe(2.0));
        histogram.observe(0.5);
        join([other, encoder]);
        assert_eq!(snapshot(&histogram), 2);
    });
}

/// The count in an encode, which must be that of the `+Inf` bucket.
fn snapshot(histogram: &Histogram) -> u64 {
    let mut encoder = crate::Encoder::new(crate::Format::Text);
    histogram.encode_text("h", b"h ", &mut encoder);
    let text = String::from_utf8(encoder.as_bytes().to_vec()).expect("text");
    let value = |name: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.expect("the line is there").trim().parse().expect("a count")
    };
    let (below, all, count) =
        (value("h_bucket{le=\"1\"}"), value("h_bucket{le=\"+Inf\"}"), value("h_count"));
    assert!(below <= all && all == count, "{text}");
    count
}

#[test]
fn counters_and_gauges_lose_nothing() {
    check("counters", || {
        let all = Arc::new((Counter::default(), CounterF64::default(), Gauge::default()));
        let act = |(counter, sum, gauge): &(Counter, CounterF64, Gauge)| {
            counter.inc_by(2);
            sum.inc_by(0.5);
            gauge.dec();
        };
        let other = spawn(&all, act);
        let reader = spawn(&all, |(counter, sum, gauge)| {
            assert!(counter.get() <= 4 && sum.get() <= 1.0 && gauge.get() >= -2.0);
        });
        act(&all);
        join([other, reader]);
        assert_eq!(all.0.get(), 4);
        assert!(
            (all.1.get() - 1.0).abs() < f64::EPSILON && (all.2.get() + 2.0).abs() < f64::EPSILON
        );
    });
}
