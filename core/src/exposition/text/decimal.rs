//! Short decimals, such as `0.25` or `12.99`. Most values that are not whole numbers are short decimals.

/// Ten to the power of the largest number of digits behind the point, which is eight: [`digits`]
/// converts so many at once.
const SCALE: f64 = 1e8;

/// [`SCALE`] as an integer.
const SCALE_INTEGER: u64 = 100_000_000;

/// Writes `value` if it is a short decimal, and returns whether it is.
///
/// `value` is neither negative nor whole. A short decimal has at most fifteen digits, at most eight of
/// them behind the point, and is at least 0.00001.
///
/// Two decimals of at most fifteen digits never round to the same `f64`. So a short decimal that
/// reads back as `value` is the shortest decimal for it. The general search for the shortest decimal
/// takes twice as long.
#[inline]
pub(crate) fn write_decimal(out: &mut Vec<u8>, value: f64) -> bool {
    const MIN: i64 = 1000;
    const END: i64 = 1_000_000_000_000_000;
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and then is out of range")]
    let scaled = (value * SCALE + 0.5) as i64;
    // Both operands are exact, so the quotient is the float that the decimal reads back as.
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    let reads_back = (scaled as f64 / SCALE).to_bits() == value.to_bits();
    if !reads_back || !(MIN..END).contains(&scaled) {
        return false;
    }
    let scaled = scaled.cast_unsigned();
    out.extend_from_slice(itoa::Buffer::new().format(scaled / SCALE_INTEGER).as_bytes());
    out.push(b'.');
    let fraction = digits(scaled % SCALE_INTEGER);
    out.extend_from_slice(&(fraction | u64::from_le_bytes([b'0'; 8])).to_le_bytes());
    let trailing_zeros = fraction.leading_zeros() / 8;
    out.truncate(out.len() - trailing_zeros as usize);
    true
}

/// The eight decimal digits of a number below [`SCALE_INTEGER`], each in a byte, the first in the lowest.
#[inline]
fn digits(value: u64) -> u64 {
    // All digits are computed in one register. The number of eight digits is split into two numbers
    // of four digits, these into four numbers of two digits, and these into eight digits. Each
    // division by 100 or by 10 is a multiplication and a shift, which handles all numbers at once.
    let first = value / 10_000;
    let fours = first | ((value - first * 10_000) << 32);
    let first = ((fours * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let twos = first | ((fours - first * 100) << 16);
    let first = ((twos * 103) >> 10) & 0x000F_000F_000F_000F;
    first | ((twos - first * 10) << 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(value: f64) -> Option<String> {
        let mut out = Vec::new();
        write_decimal(&mut out, value).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn decimals() {
        let check = |value: f64, expected: &str| {
            assert_eq!(decimal(value).as_deref(), Some(expected));
        };
        check(0.5, "0.5");
        check(0.000_01, "0.00001");
        check(0.000_010_01, "0.00001001");
        check(1.000_000_01, "1.00000001");
        check(12.345_678_91, "12.34567891");
        check(9_999_999.999_999_99, "9999999.99999999");
    }

    #[test]
    fn other_numbers_are_left_alone() {
        let check = |value: f64| assert_eq!(decimal(value), None, "{value}");
        for value in [0.1 + 0.2, 1.0 / 3.0, 0.000_009, 5e-324, 10_000_000.5, 1e15, f64::MAX] {
            check(value);
        }
    }

    #[test]
    fn all_digits_come_out() {
        for value in (0..SCALE_INTEGER).step_by(997).chain([SCALE_INTEGER - 1]) {
            let expected = format!("{value:08}");
            assert_eq!(digits(value).to_le_bytes().map(|digit| digit + b'0'), expected.as_bytes());
        }
    }

    proptest::proptest! {
        #[test]
        fn decimals_are_as_the_search_finds_them(
            digits in 1..10_000_000_000_000_000_u64,
            places in 1..12_u32,
        ) {
            let value: f64 = format!("{digits}e-{places}").parse().unwrap();
            if let Some(text) = decimal(value).filter(|_| value.fract() != 0.0) {
                assert_eq!(text, zmij::Buffer::new().format_finite(value));
            }
        }
    }
}
