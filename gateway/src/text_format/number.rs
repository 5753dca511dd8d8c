//! Numbers in text, as a Pushgateway writes them.

use prompush_core::text::{self, WriteNumber};

/// A number in the form of Go's `strconv.FormatFloat(value, 'g', -1, 64)`: the fewest digits that read back as the
/// same number, with an exponent below 1e-4 and from 1e6 on. Only minus zero differs: it is `0`, as in Prometheus's
/// own text encoder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GoNumber(pub(crate) f64);

impl WriteNumber for GoNumber {
    fn write_number(&self, out: &mut Vec<u8>) {
        /// Go writes a number with an exponent from this value on.
        const EXPONENT_MIN: f64 = 1e6;
        let Self(value) = *self;
        if value.fract() == 0.0 && value.abs() < EXPONENT_MIN {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the number is whole and below 2^20"
            )]
            out.extend_from_slice(itoa::Buffer::new().format(value as i32).as_bytes());
        } else {
            text::write_float_go(out, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: f64) -> String {
        let mut out = Vec::new();
        GoNumber(value).write_number(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        let check = |value: f64, expected: &str| assert_eq!(written(value), expected);
        check(1e3, "1000");
        check(0.5, "0.5");
        check(5.0, "5");
        check(-5.0, "-5");
        check(-0.0, "0");
        check(0.0, "0");
        check(1_000_000.0, "1e+06");
        check(100_000.0, "100000");
        check(123_456.75, "123456.75");
        check(1_234_567.8, "1.2345678e+06");
        check(16_777_217.0, "1.6777217e+07");
        check(123_456_789.0, "1.23456789e+08");
        check(9_007_199_254_740_993.0, "9.007199254740992e+15");
        check(1e20, "1e+20");
        check(1e100, "1e+100");
        check(0.0001, "0.0001");
        check(0.000_123, "0.000123");
        check(0.00001, "1e-05");
        check(0.300_000_000_000_000_04, "0.30000000000000004");
        check(5e-324, "5e-324");
        check(f64::MAX, "1.7976931348623157e+308");
        check(f64::NAN, "NaN");
        check(f64::INFINITY, "+Inf");
        check(f64::NEG_INFINITY, "-Inf");
        check(1_795_339_675.349_257_5, "1.7953396753492575e+09");
        check(10.0, "10");
        check(120.5, "120.5");
    }

    #[test]
    fn written_numbers_read_back_as_the_same_number() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..10_000 {
            let value = f64::from_bits(random.u64(..));
            if value.is_finite() {
                assert_eq!(written(value).parse::<f64>().unwrap().to_bits(), value.to_bits());
            }
        }
    }
}
