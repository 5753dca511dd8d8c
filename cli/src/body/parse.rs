//! Parses the input, and words the diagnostics of `prompush_core::check` for the command line.

use prompush_core::check::{self, Hint, ParsedBodies};

use crate::body::diagnostic::Diagnostic;
use crate::body::input::Input;
use crate::error::CliError;

/// Parses all inputs as one body.
///
/// # Errors
/// [`CliError::DuplicateFamily`] if two inputs have a family of the same name.
pub(crate) fn parse(inputs: &[Input]) -> Result<ParsedBodies<'_>, CliError> {
    let parsed = ParsedBodies::parse(inputs.iter().map(|input| &input.body));
    parsed.map_err(|error| duplicate_family(error, inputs))
}

/// The error that names the files with the same family.
pub(crate) fn duplicate_family(error: check::DuplicateFamily, inputs: &[Input]) -> CliError {
    let name = |index: usize| inputs.get(index).map_or_else(String::new, |it| it.name.clone());
    let (first, second) = (name(error.first), name(error.second));
    CliError::DuplicateFamily { family: error.family, first, second }
}

/// Adds the texts of messages and hints to diagnostics.
pub(crate) fn with_texts(found: Vec<check::Diagnostic>) -> Vec<Diagnostic> {
    let with_text = |found: check::Diagnostic| Diagnostic {
        message: found.to_string(),
        severity: found.severity,
        input: found.body,
        line: found.line,
        span: found.span,
        hint: found.hint.map(hint_text),
    };
    found.into_iter().map(with_text).collect()
}

/// The text of a hint. It names the flag of the command line if there is one.
fn hint_text(hint: Hint) -> String {
    match hint {
        Hint::TypeOfOpenMetrics => "OpenMetrics has this type, and its last line is `# EOF`: is the input incomplete? if not, use `--format openmetrics`".into(),
        Hint::MaybeNotOpenMetrics => {
            "the last line marks this as OpenMetrics; if it is text, use `--format text`".into()
        }
        Hint::DropTimestamp => {
            "a gateway refuses timestamps: `prompush push --drop-timestamps` removes them".into()
        }
        Hint::RenameLabel => "give the job with `--job`, or rename the label".into(),
        hint => hint.to_string(),
    }
}
