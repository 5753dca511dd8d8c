//! Writing floats.

use crate::exposition::text::write_decimal;

/// Writes a float in the fewest digits that read back as the same bits.
///
/// Whole numbers below 1e16 have no point and no exponent. Infinities and not-a-number are `+Inf`,
/// `-Inf` and `NaN`.
///
/// Source: Prometheus, "Exposition formats".
pub fn write_float(out: &mut Vec<u8>, value: f64) {
    /// From this number on, the form with an exponent is shorter.
    const PLAIN_END: f64 = 1e16;
    if !value.is_finite() {
        let infinity: &[u8] = if value > 0.0 { b"+Inf" } else { b"-Inf" };
        return out.extend_from_slice(if value.is_nan() { b"NaN" } else { infinity });
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    let value = value.abs();
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and then differs from `value`")]
    let whole = value as i64;
    #[expect(clippy::cast_precision_loss, reason = "then it differs from `value`")]
    let is_whole = value < PLAIN_END && (whole as f64).to_bits() == value.to_bits();
    if is_whole {
        out.extend_from_slice(itoa::Buffer::new().format(whole.cast_unsigned()).as_bytes());
    } else if !write_decimal(out, value) {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    }
}

/// Writes a float as Go's `strconv.FormatFloat(value, 'g', -1, 64)` does, which a Pushgateway uses.
///
/// The number has the fewest digits that read back as the same bits. Below 1e-4 and from 1e6 on, it has
/// an exponent of at least two digits. Infinities are `+Inf` and `-Inf`.
pub fn write_float_go(out: &mut Vec<u8>, value: f64) {
    if !value.is_finite() {
        return write_float(out, value);
    }
    let mut digits = [0_u8; 20];
    let (digits, exponent) = shortest_digits(value.abs(), &mut digits);
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if (-4..6).contains(&exponent) {
        write_plain(out, digits, exponent);
    } else {
        write_exponential(out, digits, exponent);
    }
}

/// The significant digits, without zeros at the end, and the decimal exponent of the first digit.
fn shortest_digits(value: f64, digits: &mut [u8; 20]) -> (&[u8], i32) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value).as_bytes();
    let (mantissa, exponent) = match text.iter().position(|byte| *byte == b'e') {
        Some(at) => (&text[..at], parse_exponent(&text[at + 1..])),
        None => (text, 0),
    };
    let point = mantissa.iter().position(|byte| *byte == b'.').unwrap_or(mantissa.len());
    let leading = mantissa.iter().take_while(|byte| matches!(byte, b'0' | b'.')).count();
    let mut length = 0;
    for byte in mantissa[leading..].iter().filter(|byte| byte.is_ascii_digit()) {
        if let Some(digit) = digits.get_mut(length) {
            *digit = *byte;
            length += 1;
        }
    }
    while length > 0 && digits[length - 1] == b'0' {
        length -= 1;
    }
    if length == 0 {
        return (b"0", 0);
    }
    // The distance of the first digit that is not zero from the point.
    let distance = if leading < point { point - 1 - leading } else { leading - point };
    let distance = i32::try_from(distance).unwrap_or(i32::MAX);
    (&digits[..length], exponent + if leading < point { distance } else { -distance })
}

fn parse_exponent(text: &[u8]) -> i32 {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn write_exponential(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    out.push(digits[0]);
    if digits.len() > 1 {
        out.push(b'.');
        out.extend_from_slice(&digits[1..]);
    }
    out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
    let exponent = exponent.unsigned_abs();
    if exponent < 10 {
        out.push(b'0');
    }
    out.extend_from_slice(itoa::Buffer::new().format(exponent).as_bytes());
}

fn write_plain(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    let Ok(whole) = usize::try_from(exponent + 1) else {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', exponent.unsigned_abs() as usize - 1));
        return out.extend_from_slice(digits);
    };
    if whole == 0 {
        out.extend_from_slice(b"0.");
        out.extend_from_slice(digits);
    } else if digits.len() <= whole {
        out.extend_from_slice(digits);
        out.extend(std::iter::repeat_n(b'0', whole - digits.len()));
    } else {
        out.extend_from_slice(&digits[..whole]);
        out.push(b'.');
        out.extend_from_slice(&digits[whole..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(value: f64) -> String {
        let mut out = Vec::new();
        write_float(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    fn go(value: f64) -> String {
        let mut out = Vec::new();
        write_float_go(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn floats() {
        let check = |value: f64, expected: &str| assert_eq!(float(value), expected);
        check(0.0, "0");
        check(-0.0, "-0");
        check(1.0, "1");
        check(-3.0, "-3");
        check(0.1, "0.1");
        check(-12.25, "-12.25");
        check(0.000_01, "0.00001");
        check(0.000_001, "1e-6");
        check(0.1 + 0.2, "0.30000000000000004");
        check(1e6, "1000000");
        check(9_007_199_254_740_992.0, "9007199254740992");
        check(1e16, "1e+16");
        check(f64::NAN, "NaN");
        check(f64::INFINITY, "+Inf");
        check(f64::NEG_INFINITY, "-Inf");
        check(1.5e300, "1.5e+300");
    }

    #[test]
    fn floats_as_go_prints_them() {
        let check = |value: f64, expected: &str| assert_eq!(go(value), expected);
        check(0.0, "0");
        check(-0.0, "-0");
        check(1000.0, "1000");
        check(0.5, "0.5");
        check(-0.05, "-0.05");
        check(1e6, "1e+06");
        check(100_000.0, "100000");
        check(16_777_217.0, "1.6777217e+07");
        check(123_456_789.0, "1.23456789e+08");
        check(9_007_199_254_740_992.0, "9.007199254740992e+15");
        check(1e20, "1e+20");
        check(0.0001, "0.0001");
        check(0.00001, "1e-05");
        check(0.000_123, "0.000123");
        check(0.1 + 0.2, "0.30000000000000004");
        check(5e-324, "5e-324");
        check(f64::MAX, "1.7976931348623157e+308");
        check(1_795_339_675.349_257_5, "1.7953396753492575e+09");
        check(12.5, "12.5");
        check(123_456.7, "123456.7");
        check(f64::INFINITY, "+Inf");
    }

    proptest::proptest! {
        #[test]
        fn floats_read_back_as_the_same_bits(value in proptest::num::f64::ANY) {
            for text in [float(value), go(value)] {
                let read: f64 = text.parse().unwrap();
                if value.is_nan() {
                    assert!(read.is_nan());
                } else {
                    assert_eq!(read.to_bits(), value.to_bits(), "{text}");
                }
            }
        }
    }
}
