//! The values that generated bodies are made of, and random changes to a body.

use fastrand::Rng;

/// Texts for values, bounds and quantiles. Most of them are numbers.
const NUMBERS: [&str; 34] = [
    "0",
    "1",
    "2",
    "42",
    "-1",
    "0.5",
    "1e3",
    "1E-3",
    "+5",
    "-0",
    ".5",
    "5.",
    "1e400",
    "1e-400",
    "inf",
    "+Inf",
    "-INF",
    "Infinity",
    "NaN",
    "nan",
    "+NaN",
    "0x10",
    "0x1p-2",
    "1_000",
    "1e",
    "--1",
    "",
    ".",
    "infin",
    "18446744073709551616",
    "123456789012345678",
    "0e999999999",
    "1d5",
    "\u{661}",
];

/// How many numbers at the start of [`NUMBERS`] are in a usual form.
const PLAIN_NUMBERS: usize = 8;

/// Texts between the quotes of a label value.
pub(crate) const LABEL_VALUES: [&str; 16] = [
    "",
    "x",
    "1",
    "0.5",
    "two words",
    "\u{e9}\u{2603}",
    "a\\\\b",
    "a\\\"b",
    "a\\nb",
    "a,b=c}",
    "\t",
    "{",
    "#",
    "+Inf",
    "'",
    "\u{0}",
];

/// Pieces that are inserted into a body: single bytes and short texts with a meaning in some place.
const PIECES: [&[u8]; 50] = [
    b"\"",
    b"\\",
    b"\\\\",
    b"\\n",
    b"\\t",
    b"\\\"",
    b"{",
    b"}",
    b"{}",
    b",",
    b",,",
    b"=",
    b" ",
    b"  ",
    b"\t",
    b"\r",
    b"\n",
    b"\n\n",
    b"\0",
    b"#",
    b"# ",
    b"\xff",
    b"\xc3",
    b"\xe2\x98\x83",
    b"\xef\xbb\xbf",
    b":",
    b"_",
    b"-",
    b"+",
    b".",
    b"0",
    b"9",
    b"1e400",
    b"NaN",
    b"le=\"1\"",
    b"quantile=\"0.5\"",
    b"a=\"1\"",
    b"a",
    b"_count",
    b"_sum",
    b"_bucket",
    b"_total",
    b"__name__",
    b"# TYPE ",
    b"# HELP ",
    b" histogram",
    b" summary",
    b" 1 5",
    b"# EOF\n",
    b"'",
];

/// One of the values.
pub(crate) fn one<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}

/// True once in `times`.
pub(crate) fn once_in(rng: &mut Rng, times: usize) -> bool {
    rng.usize(..times) == 0
}

/// A number, or sometimes a text that is not a number.
pub(crate) fn number(rng: &mut Rng) -> &'static str {
    let odd = once_in(rng, 12);
    one(rng, if odd { &NUMBERS } else { &NUMBERS[..PLAIN_NUMBERS] })
}

/// A number that is not negative.
pub(crate) fn count(rng: &mut Rng) -> &'static str {
    if once_in(rng, 20) { number(rng) } else { one(rng, &["0", "1", "2", "7", "3.0"]) }
}

/// Changes one or more parts of a body.
pub(crate) fn mutate(rng: &mut Rng, body: &mut Vec<u8>) {
    for _ in 0..=rng.usize(..3).saturating_sub(rng.usize(..3)) {
        match rng.usize(..10) {
            0 => flip(rng, body),
            1 => remove(rng, body),
            2..=5 => insert(rng, body),
            6 => body.truncate(rng.usize(..=body.len())),
            _ => lines(rng, body),
        }
    }
}

fn flip(rng: &mut Rng, body: &mut [u8]) {
    if !body.is_empty() {
        let at = rng.usize(..body.len());
        body[at] ^= 1 << rng.u32(..8);
    }
}

fn remove(rng: &mut Rng, body: &mut Vec<u8>) {
    let from = rng.usize(..=body.len());
    let to = (from + rng.usize(..4)).min(body.len());
    body.drain(from..to);
}

/// Inserts a piece, most often at the start or the end of a token, and sometimes in place of a byte.
fn insert(rng: &mut Rng, body: &mut Vec<u8>) {
    let piece = one(rng, &PIECES);
    let borders: Vec<usize> =
        (0..body.len()).filter(|at| b" {}=\",#\n_".contains(&body[*at])).collect();
    let at = match borders.as_slice() {
        [] => rng.usize(..=body.len()),
        _ if once_in(rng, 4) => rng.usize(..=body.len()),
        borders => one(rng, borders) + rng.usize(..2),
    };
    let end = (at + usize::from(rng.bool())).min(body.len());
    body.splice(at..end, piece.iter().copied());
}

/// Removes, repeats or moves a line.
fn lines(rng: &mut Rng, body: &mut Vec<u8>) {
    let mut lines: Vec<&[u8]> = body.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.is_empty() {
        return;
    }
    let (from, to) = (rng.usize(..lines.len()), rng.usize(..lines.len()));
    match rng.usize(..3) {
        0 => drop(lines.remove(from)),
        1 => lines.insert(to, lines[from]),
        _ => lines.swap(from, to),
    }
    *body = lines.concat();
}
