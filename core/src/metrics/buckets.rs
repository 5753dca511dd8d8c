//! The bounds of a histogram's buckets.

use std::sync::Arc;

use crate::error::RegistryError;
use crate::exposition::Format;
use crate::exposition::text::BoundText;

/// The upper bounds of a histogram's buckets. Every histogram has the bucket `+Inf` besides.
///
/// A bound is inclusive: an observation of exactly `0.5` counts in the bucket `le="0.5"`.
///
/// ```
/// use prompush_core::Buckets;
///
/// let seconds = Buckets::new([0.1, 0.5, 2.0])?;
/// let bytes = Buckets::exponential(1024.0, 4.0, 8)?; // 1 KiB to 16 MiB
/// # Ok::<(), prompush_core::RegistryError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Buckets(Arc<Bounds>);

#[derive(Debug)]
struct Bounds {
    /// Invariant: finite and strictly increasing.
    upper: Box<[f64]>,
    /// The text of each bound in text 0.0.4, and of `+Inf` at the end.
    text: Box<[BoundText]>,
    /// The same in OpenMetrics.
    openmetrics: Box<[BoundText]>,
}

impl Default for Buckets {
    /// Durations in seconds, from 5 ms to 10 s: the default of Prometheus's own client libraries.
    fn default() -> Self {
        const SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        Self::from_valid(SECONDS.into())
    }
}

impl Buckets {
    /// Buckets with these upper bounds. A `+Inf` at the end is allowed and changes nothing.
    ///
    /// # Errors
    /// [`RegistryError::Buckets`] if a bound is not finite, or not greater than the one before.
    pub fn new(bounds: impl IntoIterator<Item = f64>) -> Result<Self, RegistryError> {
        let mut upper: Vec<f64> = bounds.into_iter().collect();
        upper.pop_if(|last| *last == f64::INFINITY);
        if !upper.iter().all(|bound| bound.is_finite()) {
            return Err(RegistryError::Buckets("must be finite; `+Inf` is added by itself"));
        }
        if !upper.is_sorted_by(|a, b| a < b) {
            return Err(RegistryError::Buckets("must be strictly increasing"));
        }
        Ok(Self::from_valid(upper))
    }

    /// `count` bounds: `start`, and then each `factor` times the one before.
    ///
    /// # Errors
    /// [`RegistryError::Buckets`] if the bounds do not increase, which needs a positive `start` and
    /// a `factor` greater than 1, or if a bound is not finite.
    pub fn exponential(start: f64, factor: f64, count: usize) -> Result<Self, RegistryError> {
        let next = |bound: &f64| Some(bound * factor);
        Self::new(std::iter::successors(Some(start), next).take(count))
    }

    /// `count` bounds: `start`, and then each `width` more than the one before.
    ///
    /// # Errors
    /// [`RegistryError::Buckets`] if `width` is not positive, or a bound is not finite.
    pub fn linear(start: f64, width: f64, count: usize) -> Result<Self, RegistryError> {
        let next = |bound: &f64| Some(bound + width);
        Self::new(std::iter::successors(Some(start), next).take(count))
    }

    /// The bucket `+Inf` alone.
    pub(crate) fn only_infinity() -> Self {
        Self::from_valid(Vec::new())
    }

    fn from_valid(upper: Vec<f64>) -> Self {
        let render = |format| {
            let bounds = upper.iter().copied().chain([f64::INFINITY]);
            bounds.map(|bound| BoundText::new(bound, format)).collect()
        };
        let (text, openmetrics) = (render(Format::Text), render(Format::OpenMetrics));
        Self(Arc::new(Bounds { upper: upper.into(), text, openmetrics }))
    }

    /// The index of the bucket that `value` falls into: the first one whose bound is not below
    /// `value`. NaN falls into `+Inf`.
    #[inline]
    pub(crate) fn find(&self, value: f64) -> usize {
        /// Up to this number of bounds, comparing with every bound, which needs no branch, is
        /// faster than a binary search.
        const COMPARE_ALL_MAX: usize = 32;
        let upper = &self.0.upper;
        if value.is_nan() {
            upper.len()
        } else if upper.len() <= COMPARE_ALL_MAX {
            upper.iter().map(|bound| usize::from(*bound < value)).sum()
        } else {
            upper.partition_point(|bound| *bound < value)
        }
    }

    /// The text of each bound, and of `+Inf` at the end.
    pub(crate) fn bound_texts(&self, format: Format) -> &[BoundText] {
        if format == Format::OpenMetrics { &self.0.openmetrics } else { &self.0.text }
    }

    /// The number of bounds, without `+Inf`.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.upper.len()
    }

    /// All bounds, and `+Inf` at the end.
    pub(crate) fn with_infinity(&self) -> impl Iterator<Item = f64> {
        self.0.upper.iter().copied().chain([f64::INFINITY])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_into_the_bucket_they_belong_to() {
        for bounds in [3, 32, 33, 100] {
            let buckets = Buckets::linear(1.0, 1.0, bounds).unwrap();
            assert_eq!(buckets.find(-1.0), 0);
            assert_eq!(buckets.find(f64::NEG_INFINITY), 0);
            for bound in 0..bounds {
                let upper = buckets.0.upper[bound];
                assert_eq!(buckets.find(upper), bound);
                assert_eq!(buckets.find(upper + 0.5), bound + 1);
            }
            assert_eq!(buckets.find(f64::INFINITY), bounds);
            assert_eq!(buckets.find(f64::NAN), bounds);
        }
    }
}
