//! Writing the wire format of protobuf: keys, varints, and messages behind their length.
//!
//! Source: protobuf.dev, "Encoding".

/// The key of a varint field.
pub(crate) const fn varint_key(field: u8) -> u8 {
    field << 3
}

/// The key of a field of eight bytes.
pub(crate) const fn double_key(field: u8) -> u8 {
    field << 3 | 1
}

/// The key of a field with a length: a text or a message.
pub(crate) const fn bytes_key(field: u8) -> u8 {
    field << 3 | 2
}

/// The number of bytes that `value` takes as a varint.
#[inline]
pub(crate) const fn varint_width(value: u64) -> usize {
    // A byte holds seven bits. The value 0 takes one byte.
    ((u64::BITS - (value | 1).leading_zeros()) as usize).div_ceil(7)
}

#[inline]
pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7F {
        out.push(low_bits(value) | 0x80);
        value >>= 7;
    }
    out.push(low_bits(value));
}

/// Writes a varint field.
#[inline]
pub(crate) fn varint_field(out: &mut Vec<u8>, field: u8, value: u64) {
    out.push(varint_key(field));
    varint(out, value);
}

/// Writes a field of eight bytes.
#[inline]
pub(crate) fn double_field(out: &mut Vec<u8>, field: u8, value: f64) {
    out.push(double_key(field));
    out.extend_from_slice(&value.to_le_bytes());
}

/// Writes a field that is a text.
pub(crate) fn bytes_field(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(bytes_key(field));
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Writes a field that is a message. `write` appends the message.
///
/// `length_width` is the expected number of bytes of the message's length. If the length takes another
/// number of bytes, the message is moved once: a wrong guess costs time, but no bytes.
#[inline]
pub(crate) fn message_field(
    out: &mut Vec<u8>,
    field: u8,
    length_width: usize,
    write: impl FnOnce(&mut Vec<u8>),
) {
    out.push(bytes_key(field));
    let start = out.len();
    leave_room(out, length_width);
    write(out);
    set_length(out, start, length_width);
}

/// Leaves room for a length of `length_width` bytes.
#[inline]
pub(crate) fn leave_room(out: &mut Vec<u8>, length_width: usize) {
    out.resize(out.len() + length_width, 0);
}

/// Writes the length of the message at the end of `out`. The message begins `left` bytes behind `start`,
/// and these bytes are room for the length. Returns how far the message had to be moved.
#[inline]
pub(crate) fn set_length(out: &mut Vec<u8>, start: usize, left: usize) -> isize {
    let from = start + left;
    let length = out.len() - from;
    let mut rest = length as u64;
    let width = varint_width(rest);
    if width > left {
        leave_room(out, width - left);
        out.copy_within(from..from + length, start + width);
    } else if width < left {
        out.copy_within(from.., start + width);
        out.truncate(start + width + length);
    }
    for place in &mut out[start..start + width] {
        *place = low_bits(rest) | 0x80;
        rest >>= 7;
    }
    out[start + width - 1] &= 0x7F;
    width.cast_signed() - left.cast_signed()
}

const fn low_bits(value: u64) -> u8 {
    (value & 0x7F) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_take_as_many_bytes_as_announced() {
        for bits in 0..64 {
            for value in [1 << bits, (1 << bits) - 1, u64::MAX >> bits] {
                let mut out = Vec::new();
                varint(&mut out, value);
                assert_eq!(out.len(), varint_width(value), "{value}");
            }
        }
    }

    #[test]
    fn a_length_is_right_with_any_room_for_it() {
        for length in [0, 1, 127, 128, 300, 16_383, 16_384, 70_000] {
            let message: Vec<u8> = (0..=250).cycle().take(length).collect();
            let mut expected = vec![9, bytes_key(1)];
            varint(&mut expected, message.len() as u64);
            expected.extend_from_slice(&message);
            for left in 0..=5 {
                let mut out = vec![9];
                message_field(&mut out, 1, left, |out| out.extend_from_slice(&message));
                assert_eq!(out, expected, "{length} bytes, room for {left}");
            }
        }
    }
}
