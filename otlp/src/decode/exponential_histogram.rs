//! Converts exponential histograms to histograms with fixed bounds.
//!
//! The bounds of an exponential histogram move with its values, and a series whose label `le`
//! comes and goes cannot be queried. So the conversion always uses the same bounds: powers of two.
//! At every scale from 0 up, powers of two are among the bounds of the exponential histogram, and
//! the conversion is exact. At a negative scale one bucket spans several powers of two; its
//! observations count as if they were at its upper bound.

use prompush_core::protobuf::{Fields, Reason};

use crate::decode::metric::{HistogramPoint, PointValue};

/// The scales that OTLP allows.
const SCALES: std::ops::RangeInclusive<i64> = -10..=20;

/// Exponents of the bounds for values in seconds: about 1 ms to 17 minutes.
const SECONDS: std::ops::RangeInclusive<i32> = -10..=10;
/// Exponents of the bounds for all other values: 1 to 1,048,576.
const OTHERS: std::ops::RangeInclusive<i32> = 0..=20;

/// Reads an exponential histogram and converts it. Zero and negative observations count in the
/// lowest bucket.
pub(crate) fn read(fields: Fields<'_>, unit: &str) -> Result<PointValue, Reason> {
    let mut sum = f64::NAN; // stays NaN when the program sent no sum
    let (mut scale, mut zero_count, mut negative_count) = (0, 0, 0);
    let mut positive = Fields::new(&[]);
    fields.each(|number, value| {
        match number {
            5 => sum = value.double()?,
            6 => scale = zigzag(value.varint()?),
            7 => zero_count = value.fixed64()?,
            8 => positive = value.message()?,
            9 => negative_count = sum_of_counts(value.message()?)?,
            _ => {}
        }
        Ok(())
    })?;
    if !SCALES.contains(&scale) {
        sum_of_counts(positive)?; // a body that is no export is refused all the same
        return Ok(PointValue::Invalid);
    }
    let exponents = if is_seconds(unit) { SECONDS } else { OTHERS };
    let (first, last) = (i64::from(*exponents.start()), exponents.clone().count());
    let bounds: Vec<f64> = exponents.map(|exponent| 2_f64.powi(exponent)).collect();
    let mut counts = vec![0_u64; last + 1];
    let mut add = |bucket: usize, count: u64| {
        if let Some(total) = counts.get_mut(bucket) {
            *total = total.saturating_add(count);
        }
    };
    add(0, zero_count);
    add(0, negative_count);
    each_bucket(positive, |index, count| {
        let exponent = upper_exponent(index, scale);
        add(usize::try_from(exponent.saturating_sub(first)).unwrap_or(0).min(last), count);
    })?;
    Ok(PointValue::Histogram(HistogramPoint { sum, bounds, counts }))
}

fn is_seconds(unit: &str) -> bool {
    matches!(unit, "s" | "second" | "seconds")
}

/// The exponent of the smallest whole power of two that is an upper bound of bucket `index`.
///
/// The bucket's own upper bound is `2^((index + 1) / 2^scale)`. The result is
/// `(index + 1) / 2^scale`, rounded up.
fn upper_exponent(index: i64, scale: i64) -> i64 {
    let upper = index.saturating_add(1);
    if scale >= 0 {
        // Negated twice, because a shift to the right rounds down.
        -(upper.saturating_neg() >> scale)
    } else {
        upper.saturating_mul(1 << -scale)
    }
}

/// Decodes the `sint32` encoding of protobuf.
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
    fn a_bucket_is_bounded_by_a_power_of_two() {
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
