//! Arithmetic on a float that threads share.

use crate::sync::{AtomicU64, Ordering::Relaxed};

/// Adds to a float that an atomic holds as its bits.
///
/// `Relaxed` is enough: the float is one word that orders nothing else.
#[inline]
pub(crate) fn add(bits: &AtomicU64, amount: f64) {
    let mut old = bits.load(Relaxed);
    loop {
        let new = (f64::from_bits(old) + amount).to_bits();
        match bits.compare_exchange_weak(old, new, Relaxed, Relaxed) {
            Ok(_) => return,
            Err(seen) => old = seen,
        }
    }
}
