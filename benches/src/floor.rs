//! The floor of an encoder: copying the same bytes in order, and formatting the numbers with the usual crates.

/// The text of another encoder, which the floor writes in two ways.
#[derive(Debug)]
pub struct Floor {
    text: Vec<u8>,
    /// The complete lines without a number, and the text before each number, one after the other.
    prefixes: Vec<u8>,
    pieces: Vec<Piece>,
}

/// The end of a prefix, and the number after the prefix.
#[derive(Clone, Copy, Debug)]
struct Piece {
    end: usize,
    number: Number,
}

#[derive(Clone, Copy, Debug)]
enum Number {
    None,
    Integer(u64),
    Float(f64),
}

impl Floor {
    /// Splits a text into prefixes and numbers.
    pub fn of(text: &[u8]) -> Self {
        let (mut prefixes, mut pieces) = (Vec::new(), Vec::new());
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let space = line.iter().rposition(|byte| *byte == b' ').map_or(0, |at| at + 1);
            let digits = std::str::from_utf8(&line[space..]).unwrap_or_default().trim_end();
            let number = match (line.first(), digits.parse(), digits.parse()) {
                (Some(b'#'), ..) => Number::None,
                (_, Ok(integer), _) => Number::Integer(integer),
                (_, _, Ok(float)) => Number::Float(float),
                _ => Number::None,
            };
            let prefix = if matches!(number, Number::None) { line } else { &line[..space] };
            prefixes.extend_from_slice(prefix);
            pieces.push(Piece { end: prefixes.len(), number });
        }
        Self { text: text.to_vec(), prefixes, pieces }
    }

    /// Copies the text.
    pub fn copy(&self, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.text);
    }

    /// Copies the prefixes and formats the numbers, and does nothing else.
    pub fn format(&self, out: &mut Vec<u8>) {
        out.clear();
        let mut start = 0;
        for piece in &self.pieces {
            out.extend_from_slice(&self.prefixes[start..piece.end]);
            start = piece.end;
            match piece.number {
                Number::None => continue,
                Number::Integer(integer) => {
                    out.extend_from_slice(itoa::Buffer::new().format(integer).as_bytes());
                }
                Number::Float(float) => {
                    out.extend_from_slice(zmij::Buffer::new().format_finite(float).as_bytes());
                }
            }
            out.push(b'\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::{Peer, Prompush};
    use crate::workload::Workload;

    #[test]
    fn the_floor_writes_the_same_bytes() {
        let ours = Prompush::filled(Workload::FULL).unwrap();
        let mut encoder = prompush_core::Encoder::default();
        let text = ours.encode_text(&mut encoder).unwrap();
        let (floor, mut out) = (Floor::of(text), Vec::new());
        floor.copy(&mut out);
        assert_eq!(out, text);
        floor.format(&mut out);
        assert_eq!(out, text);
    }
}
