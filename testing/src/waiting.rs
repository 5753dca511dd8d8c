//! Waiting on a condition, with a time limit.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

/// The time limit for a condition that another thread or process brings about. Only a test that fails waits that
/// long.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// The shortest pause between two checks of a condition.
const PAUSE_MIN: Duration = Duration::from_millis(1);
/// The longest pause between two checks of a condition.
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// Repeats `condition` until it returns a value, and returns the value.
///
/// Use it for a condition in another process. For a condition in this process, a channel is better.
///
/// # Panics
///
/// When `within` has passed: the message names `what`.
#[track_caller]
pub fn wait_for<T>(within: Duration, what: &str, condition: impl FnMut() -> Option<T>) -> T {
    poll(within, condition).unwrap_or_else(|| panic_waiting(within, what))
}

/// Repeats `condition` until it returns true.
///
/// # Panics
///
/// When `within` has passed: the message names `what`.
#[track_caller]
pub fn wait_until(within: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(within, what, || condition().then_some(()));
}

/// A loopback address where nothing listens. The function binds a free port to learn its number, and releases it.
///
/// Another process may take the port, so the caller has to be ready to try another address.
///
/// # Panics
///
/// When the machine has no free loopback port.
pub fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free loopback port")
}

/// Repeats `condition` as [`wait_for`] does, and returns `None` when `within` has passed.
pub(crate) fn poll<T>(within: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = now() + within;
    let mut pause = PAUSE_MIN;
    loop {
        if let Some(value) = condition() {
            return Some(value);
        }
        if now() >= deadline {
            return None;
        }
        sleep(pause);
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "deadlines here bound real processes: real time is meant"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that sleeps: between two looks at another process"
)]
pub(crate) fn sleep(pause: Duration) {
    std::thread::sleep(pause);
}

#[track_caller]
#[expect(clippy::panic, reason = "a wait without an end is a failed test")]
fn panic_waiting(within: Duration, what: &str) -> ! {
    panic!("waited {within:?}, which was not enough: {what}")
}

/// Runs `what`, and checks that it ends within `limit` plus one second for a busy machine.
///
/// # Panics
///
/// When `what` takes longer.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "how long it takes is measured from outside")]
pub fn within<T>(limit: Duration, what: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = what();
    let took = start.elapsed();
    assert!(took < limit + Duration::from_secs(1), "took {took:?} of {limit:?}");
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_comes_true_ends_the_wait() {
        let mut looks = 0;
        let seen = wait_for(Duration::from_secs(5), "the third look", || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(seen, 3);
    }

    #[test]
    fn a_condition_that_never_comes_true_ends_too() {
        assert_eq!(poll(Duration::from_millis(5), || None::<()>), None);
    }

    #[test]
    fn a_free_address_can_be_bound() {
        TcpListener::bind(free_address()).expect("no other process took the port");
    }
}
