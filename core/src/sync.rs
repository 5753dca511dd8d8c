//! What threads share, in one place: so that `models.rs` can put loom's in its stead.

#[cfg(not(all(test, prompush_loom)))]
pub(crate) use real::*;

#[cfg(all(test, prompush_loom))]
pub(crate) use model::*;

/// No thread's number.
pub(crate) const NO_THREAD: usize = usize::MAX;

#[cfg(not(all(test, prompush_loom)))]
mod real {
    pub(crate) use std::sync::OnceLock;
    pub(crate) use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    pub(crate) use parking_lot::Mutex;

    /// Seeded anew for each family, so that nobody can choose labels whose hashes collide.
    pub(crate) use foldhash::fast::RandomState as FamilyHasher;

    use crate::sync::NO_THREAD;

    /// A number of this thread's own, from 0 in the order of their first use; never used again.
    /// [`NO_THREAD`] in a thread that is so far in its end that it has none.
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
                    // `Relaxed`: all that matters is that numbers differ.
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

    /// The same in each run: a model must be able to repeat one.
    pub(crate) use foldhash::fast::FixedState as FamilyHasher;

    /// A lock that is taken as `parking_lot`'s is.
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

    /// What `std`'s promises, and no more: whoever sees the value sees all that was done before it
    /// was set, and nobody is bound to see it sooner.
    ///
    /// The value itself is kept in `std`'s: whether it is seen, and what with it, is up to `ready`,
    /// of which loom knows.
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
