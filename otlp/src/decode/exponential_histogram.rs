//! Exponential histograms, and the classic buckets they become.
//!
//! The bounds are powers of two, always the same ones: those of an exponential histogram move
//! with its values, and a series whose `le` comes and goes cannot be queried. Powers of two are
//! bounds of buckets at every scale from 0 on, so that no count is guessed; at a negative scale,
//! where one bucket is wider, its observations count at its upper bound.

use prompush_core::protobuf::{Fields, Reason};

use crate::decode::data_point::{HistogramPoint, PointValue};

/// The scales that the data model allows.
const SCALES: std::ops::RangeInclusive<i64> = -10..=20;

/// Exponents of the classic bounds for seconds: about 1 ms to 17 minutes.
const SECONDS: std::ops::RangeInclusive<i32> = -10..=10;
/// Exponents of the classic bounds for everything else: 1 to 1,048,576.
const OTHERS: std::ops::RangeInclusive<i32> = 0..=20;

/// A point of an exponential histogram, read in part.
#[derive(Debug)]
pub(crate) struct ExponentialHistogram<'a> {
    sum: f64,
    scale: i64,
    zero_count: u64,
    positive: Fields<'a>,
    negative_count: u64,
}

impl<'a> ExponentialHistogram<'a> {
    pub(crate) fn read(fields: Fields<'a>) -> Result<Self, Reason> {
        let mut histogram = Self {
            sum: f64::NAN,
            scale: 0,
            zero_count: 0,
            positive: Fields::new(&[]),
            negative_count: 0,
        };
        fields.each(|number, value| {
            match number {
                5 => histogram.sum = value.double()?,
                6 => histogram.scale = zigzag(value.varint()?),
                7 => histogram.zero_count = value.fixed64()?,
                8 => histogram.positive = value.message()?,
                9 => histogram.negative_count = sum_of_counts(value.message()?)?,
                _ => {}
            }
            Ok(())
        })?;
        sum_of_counts(histogram.positive)?; // finds faults now, not later
        Ok(histogram)
    }

    /// The same in classic buckets. What is zero or negative counts in the lowest one.
    pub(crate) fn into_classic(self, unit: &str) -> PointValue {
        if !SCALES.contains(&self.scale) {
            return PointValue::Invalid;
        }
        let exponents = if is_seconds(unit) { SECONDS } else { OTHERS };
        let bounds: Vec<f64> = exponents.clone().map(|exponent| 2_f64.powi(exponent)).collect();
        let mut counts = vec![0_u64; bounds.len() + 1];
        let mut add = |place: usize, count: u64| {
            if let Some(total) = counts.get_mut(place) {
                *total = total.saturating_add(count);
            }
        };
        add(0, self.zero_count);
        add(0, self.negative_count);
        let (first, last) = (i64::from(*exponents.start()), bounds.len());
        let visited = each_bucket(self.positive, |index, count| {
            let exponent = upper_exponent(index, self.scale);
            add(usize::try_from(exponent.saturating_sub(first)).unwrap_or(0).min(last), count);
        });
        debug_assert_eq!(visited, Ok(()), "`read` found no fault");
        PointValue::Histogram(HistogramPoint { sum: self.sum, bounds, counts })
    }
}

fn is_seconds(unit: &str) -> bool {
    matches!(unit, "s" | "second" | "seconds")
}

/// The smallest whole power of two, as its exponent, that bucket `index` lies below.
///
/// The bucket's upper bound is `2^((index + 1) / 2^scale)`.
fn upper_exponent(index: i64, scale: i64) -> i64 {
    let upper = index.saturating_add(1);
    if scale >= 0 {
        // Rounded up: arithmetic shifts round down.
        -(upper.saturating_neg() >> scale)
    } else {
        upper.saturating_mul(1 << -scale)
    }
}

fn zigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

fn sum_of_counts(buckets: Fields<'_>) -> Result<u64, Reason> {
    let mut sum = 0_u64;
    each_bucket(buckets, |_, count| sum = sum.saturating_add(count))?;
    Ok(sum)
}

/// Calls `on_bucket` with the index and the count of each bucket.
fn each_bucket(buckets: Fields<'_>, mut on_bucket: impl FnMut(i64, u64)) -> Result<(), Reason> {
    let mut index = 0;
    buckets.each(|number, value| {
        if number == 1 {
            index = zigzag(value.varint()?);
        }
        Ok(())
    })?;
    buckets.each(|number, value| match number {
        2 => value.each_varint(|count| {
            on_bucket(index, count);
            index = index.saturating_add(1);
            Ok(())
        }),
        _ => Ok(()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_lie_below_the_power_of_two_that_bounds_them() {
        let check = |index, scale, expected| {
            assert_eq!(upper_exponent(index, scale), expected, "bucket {index}, scale {scale}");
        };
        check(0, 0, 1); // (1, 2]
        check(-1, 0, 0); // (0.5, 1]
        check(0, 1, 1); // (1, 1.41…]
        check(1, 1, 1); // (1.41…, 2]
        check(2, 1, 2); // (2, 2.82…]
        check(-2, 1, 0); // (0.5, 0.70…]
        check(0, -1, 2); // (1, 4]
        check(-1, -1, 0); // (0.25, 1]
        check(i64::from(i32::MAX), -10, (i64::from(i32::MAX) + 1) * 1024);
        check(i64::MAX, 20, 1 << 43);
    }

    #[test]
    fn zigzag_is_undone() {
        for (coded, expected) in [(0, 0), (1, -1), (2, 1), (3, -2), (u64::MAX, i64::MIN)] {
            assert_eq!(zigzag(coded), expected);
        }
    }
}
