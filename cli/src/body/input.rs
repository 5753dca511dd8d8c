//! Reads metrics from files and stdin.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};

use prompush_core::Format;
use prompush_core::check::{Body, NotText};

use crate::args::{BodyArgs, FormatArg};
use crate::error::CliError;
use crate::output::terminal::print_message;

/// The file name that stands for stdin.
const STDIN: &str = "-";

/// Metrics that were read from one file.
#[derive(Debug)]
pub(crate) struct Input {
    /// The file, as on the command line, or `stdin`.
    pub(crate) name: String,
    /// The body, with harmless faults repaired.
    pub(crate) body: Body,
}

/// Reads all files, or stdin if there are none.
///
/// # Errors
/// [`CliError`] if a file cannot be read, is larger than the limit, or is not text.
pub(crate) fn read(args: &BodyArgs) -> Result<Vec<Input>, CliError> {
    let stdin = [STDIN.to_owned()];
    let files = if args.files.is_empty() { &stdin[..] } else { &args.files };
    if files.iter().filter(|file| *file == STDIN).count() > 1 {
        let (argument, value) = ("<FILE>", "- -".to_owned());
        return Err(CliError::Argument { argument, value, expected: "`-` only once" });
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
                "reading metrics from the terminal: press Ctrl-D on an empty line to end",
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
    /// Makes an input from the bytes of a file.
    ///
    /// # Errors
    /// [`CliError::NotText`] if the bytes are UTF-16 or compressed.
    pub(crate) fn new(name: String, bytes: Vec<u8>, format: FormatArg) -> Result<Self, CliError> {
        if let Some(found) = NotText::detect(&bytes) {
            let (what, hint) = not_text(found);
            return Err(CliError::NotText { name, what, hint });
        }
        let body = match format {
            FormatArg::Auto => Body::new(bytes),
            FormatArg::Text => Body::in_format(bytes, Format::Text),
            FormatArg::Openmetrics => Body::in_format(bytes, Format::OpenMetrics),
        };
        Ok(Self { name, body })
    }
}

/// The kind of the data, and a hint.
fn not_text(found: NotText) -> (&'static str, &'static str) {
    match found {
        NotText::Utf16 => (
            "UTF-16",
            "write the file in UTF-8: in PowerShell use `| Set-Content -Encoding utf8` instead of `>`",
        ),
        NotText::Gzip => {
            ("compressed with gzip", "decompress the file first: `gzip -dc FILE | prompush …`")
        }
        _ => ("binary", "write the file in UTF-8"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_named() {
        let new = |bytes: &[u8]| Input::new("x".into(), bytes.to_vec(), FormatArg::Auto);
        assert!(matches!(new(b"\xff\xfea\0"), Err(CliError::NotText { what: "UTF-16", .. })));
        assert!(matches!(new(b"\x1f\x8b\x08"), Err(CliError::NotText { .. })));
        assert_eq!(new(b"a 1\r\n# EOF\r\n").unwrap().body.format(), Format::OpenMetrics);
        assert_eq!(new(b"a 1\n").unwrap().body.format(), Format::Text);
    }
}
