//! Bodies from files and stdin, with harmless faults already repaired.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};

use prompush_core::Format;

use crate::args::{BodyArgs, FormatArg};
use crate::error::CliError;
use crate::output::terminal::print_message;

/// What stands for stdin.
const STDIN: &str = "-";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A body that was read.
#[derive(Debug)]
pub(crate) struct Input {
    /// The file as it was given, or `stdin`.
    pub(crate) name: String,
    /// The body, put right.
    pub(crate) bytes: Vec<u8>,
    /// Its format, as told or as it seems.
    pub(crate) format: Format,
    /// Whether the format was told.
    pub(crate) format_is_given: bool,
    /// What a gateway would not have taken.
    pub(crate) repairs: Vec<Repair>,
}

/// What is put right in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repair {
    /// It begins with a byte order mark.
    ByteOrderMark,
    /// Lines end in CR LF; the first that does, from 1.
    WindowsLineEnds(usize),
    /// The last line has no line end; its number, from 1.
    NoFinalNewline(usize),
}

/// Reads all files, or stdin if there is none.
///
/// # Errors
/// What cannot be read, is more than the limit, or is no text.
pub(crate) fn read(args: &BodyArgs) -> Result<Vec<Input>, CliError> {
    let stdin = [STDIN.to_owned()];
    let files = if args.files.is_empty() { &stdin[..] } else { &args.files };
    if files.iter().filter(|file| *file == STDIN).count() > 1 {
        let (argument, value) = ("<FILE>", "- -".to_owned());
        return Err(CliError::Argument { argument, value, expected: "stdin once" });
    }
    let mut bytes_left = args.input_bytes_max;
    let mut inputs = Vec::with_capacity(files.len());
    for file in files {
        let (name, bytes) = read_one(file, bytes_left, args.input_bytes_max)?;
        bytes_left -= bytes.len();
        inputs.push(Input::new(name, bytes, args.format)?);
    }
    Ok(inputs)
}

fn read_one(
    file: &str,
    bytes_left: usize,
    bytes_max: usize,
) -> Result<(String, Vec<u8>), CliError> {
    let is_stdin = file == STDIN;
    let name = if is_stdin { "stdin".to_owned() } else { file.to_owned() };
    let limit = u64::try_from(bytes_left).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let read = if is_stdin {
        let stdin = io::stdin().lock();
        if stdin.is_terminal() {
            print_message(
                "reading metrics from the terminal: end with Ctrl-D on a line of its own",
            );
        }
        stdin.take(limit).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    match read {
        Err(source) => Err(CliError::Input { name, source }),
        Ok(_) if bytes.len() > bytes_left => Err(CliError::InputTooLarge { name, bytes_max }),
        Ok(_) => Ok((name, bytes)),
    }
}

impl Input {
    /// Takes what was read.
    ///
    /// # Errors
    /// [`CliError::NotText`] if it is in UTF-16 or compressed.
    pub(crate) fn new(name: String, bytes: Vec<u8>, format: FormatArg) -> Result<Self, CliError> {
        if let Some((what, hint)) = not_text(&bytes) {
            return Err(CliError::NotText { name, what, hint });
        }
        let (bytes, repairs) = repair(bytes);
        let format_is_given = format != FormatArg::Auto;
        let format = match format {
            FormatArg::Auto => Format::detect(&bytes),
            FormatArg::Text => Format::Text,
            FormatArg::Openmetrics => Format::OpenMetrics,
        };
        Ok(Self { name, bytes, format, format_is_given, repairs })
    }
}

/// What `bytes` are if they are known not to be text, and what to do.
fn not_text(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some((
            "UTF-16",
            "write it as UTF-8: in PowerShell pipe into `Set-Content -Encoding utf8`, not `>`",
        )),
        [0x1f, 0x8b, ..] => {
            Some(("compressed with gzip", "decompress it first: `gzip -dc FILE | prompush …`"))
        }
        _ => None,
    }
}

fn repair(mut bytes: Vec<u8>) -> (Vec<u8>, Vec<Repair>) {
    let mut repairs = Vec::new();
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
        repairs.push(Repair::ByteOrderMark);
    }
    if let Some(at) = find_windows_line_end(&bytes) {
        repairs.push(Repair::WindowsLineEnds(line_of(&bytes, at)));
        drop_carriage_returns(&mut bytes);
    }
    if bytes.last().is_some_and(|last| *last != b'\n') {
        let number = line_of(&bytes, bytes.len());
        // A last line that ends in CR alone lost its LF on the way.
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        bytes.push(b'\n');
        repairs.push(Repair::NoFinalNewline(number));
    }
    (bytes, repairs)
}

fn find_windows_line_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair == b"\r\n")
}

/// Drops each CR that stands before an LF, in place.
fn drop_carriage_returns(bytes: &mut Vec<u8>) {
    let mut kept = 0;
    for at in 0..bytes.len() {
        if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') {
            continue;
        }
        bytes[kept] = bytes[at];
        kept += 1;
    }
    bytes.truncate(kept);
}

/// The number of the line that holds the byte at `at`, from 1.
fn line_of(bytes: &[u8], at: usize) -> usize {
    bytes[..at].split(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgiven_is_put_right() {
        use Repair::{ByteOrderMark, NoFinalNewline, WindowsLineEnds};
        let check = |body: &str, expected: &str, repairs: &[Repair]| {
            let (bytes, found) = repair(body.as_bytes().to_vec());
            assert_eq!(
                (String::from_utf8(bytes).unwrap().as_str(), found.as_slice()),
                (expected, repairs)
            );
        };
        check("", "", &[]);
        check("a 1\n", "a 1\n", &[]);
        check("a 1", "a 1\n", &[NoFinalNewline(1)]);
        check("\na 1\r\nb 2\r\n", "\na 1\nb 2\n", &[WindowsLineEnds(2)]);
        check(
            "\u{feff}a 1\r\nb 2",
            "a 1\nb 2\n",
            &[ByteOrderMark, WindowsLineEnds(1), NoFinalNewline(2)],
        );
        check("a{b=\"\r\"} 1\n", "a{b=\"\r\"} 1\n", &[]);
        check("a 1\r", "a 1\n", &[NoFinalNewline(1)]);
        check("a 1\r\r\n", "a 1\r\n", &[WindowsLineEnds(1)]);
    }

    #[test]
    fn what_is_no_text_is_named() {
        let new = |bytes: &[u8]| Input::new("x".into(), bytes.to_vec(), FormatArg::Auto);
        assert!(matches!(new(b"\xff\xfea\0"), Err(CliError::NotText { what: "UTF-16", .. })));
        assert!(matches!(new(b"\x1f\x8b\x08"), Err(CliError::NotText { .. })));
        assert_eq!(new(b"a 1\r\n# EOF\r\n").unwrap().format, Format::OpenMetrics);
        assert_eq!(new(b"a 1\n").unwrap().format, Format::Text);
    }
}
