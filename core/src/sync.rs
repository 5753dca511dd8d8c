//! The atomics, locks and other primitives that threads share in this crate.
//!
//! In the models of `metrics/models.rs` they are those of loom.

#[cfg(not(all(test, prompush_loom)))]
pub(crate) use real::*;

#[cfg(all(test, prompush_loom))]
pub(crate) use model::*;

/// A number that no thread has.
pub(crate) const NO_THREAD: usize = usize::MAX;

/// Adds to a float that an atomic holds as its bits.
///
/// `Relaxed` is enough: the float is one word that orders nothing else.
#[inline]
pub(crate) fn add_f64(bits: &AtomicU64, amount: f64) {
    let mut old = bits.load(Ordering::Relaxed);
    loop {
        let new = (f64::from_bits(old) + amount).to_bits();
        match bits.compare_exchange_weak(old, new, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return,
            Err(seen) => old = seen,
        }
    }
}

#[cfg(not(all(test, prompush_loom)))]
mod real {
    pub(crate) use std::sync::OnceLock;
    pub(crate) use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    pub(crate) use parking_lot::Mutex;

    /// Each family has its own random seed, so that nobody can choose labels whose hashes collide.
    pub(crate) use foldhash::fast::RandomState as FamilyHasher;

    use crate::sync::NO_THREAD;

    /// The number of this thread. Threads are numbered from 0, in the order in which they first call
    /// this function, and no number is used again.
    ///
    /// Returns [`NO_THREAD`] while the thread ends and its thread-local values are gone already.
    #[inline]
    pub(crate) fn thread_number() -> usize {
        use std::cell::Cell;
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static NUMBER: Cell<usize> = const { Cell::new(NO_THREAD) };
        }
        NUMBER
            .try_with(|number| {
                if number.get() == NO_THREAD {
                    // `Relaxed` is enough: the numbers only have to differ.
                    number.set(NEXT.fetch_add(1, Ordering::Relaxed));
                }
                number.get()
            })
            .unwrap_or(NO_THREAD)
    }
}

#[cfg(all(test, prompush_loom))]
mod model {
    use std::cell::Cell;

    use loom::sync::MutexGuard;
    use loom::sync::atomic::AtomicBool;
    pub(crate) use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use crate::sync::NO_THREAD;

    /// The seed is the same in each run, because loom repeats runs.
    pub(crate) use foldhash::fast::FixedState as FamilyHasher;

    /// Loom's lock with the interface of `parking_lot::Mutex`.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("no model panics while it holds a lock")
        }
    }

    /// A `OnceLock` that gives only the guarantees of `std`'s: a thread that sees the value sees
    /// everything that was written before the value was set. A thread may see the value late.
    ///
    /// A lock of `std` holds the value. Loom does not know that lock, so `ready`, an atomic of loom,
    /// decides whether a thread sees the value.
    #[derive(Debug)]
    pub(crate) struct OnceLock<T> {
        ready: AtomicBool,
        setting: Mutex<()>,
        value: std::sync::OnceLock<T>,
    }

    impl<T> OnceLock<T> {
        pub(crate) fn new() -> Self {
            let (ready, setting) = (AtomicBool::new(false), Mutex::new(()));
            Self { ready, setting, value: std::sync::OnceLock::new() }
        }

        pub(crate) fn get(&self) -> Option<&T> {
            if self.ready.load(Ordering::Acquire) { self.value.get() } else { None }
        }

        pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
            if let Some(value) = self.get() {
                return value;
            }
            let setting = self.setting.lock();
            let value = self.value.get_or_init(make);
            self.ready.store(true, Ordering::Release);
            drop(setting);
            value
        }
    }

    pub(crate) fn thread_number() -> usize {
        loom::lazy_static! {
            static ref NEXT: AtomicUsize = AtomicUsize::new(0);
        }
        loom::thread_local! {
            static NUMBER: Cell<usize> = Cell::new(NO_THREAD);
        }
        NUMBER.with(|number| {
            if number.get() == NO_THREAD {
                number.set(NEXT.fetch_add(1, Ordering::Relaxed));
            }
            number.get()
        })
    }
}
