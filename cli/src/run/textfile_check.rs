//! Checks the metrics that a command has written, as `prompush check` does.

use prompush_core::check::{Severity, Span};
use prompush_core::{Exposition, GroupingKey};

use crate::body::diagnostic::{Diagnostic, show_errors};
use crate::body::input::Input;
use crate::body::parse;
use crate::error::CliError;
use crate::output::terminal::print_warning;
use crate::run::job_metrics;

/// Why the metrics that a command has written are not pushed.
#[derive(Debug)]
pub(crate) enum TextfileError {
    /// The file cannot be read. The text says why.
    Unreadable(String),
    /// A gateway would refuse the metrics, or a metric has the name of a metric of the job.
    Invalid(Vec<Diagnostic>),
}

impl TextfileError {
    /// Prints the errors to stderr. `inputs` are the files that were checked.
    pub(crate) fn print(&self, inputs: &[Input]) {
        match self {
            Self::Unreadable(text) => print_warning(text),
            Self::Invalid(errors) => {
                show_errors(errors, inputs);
                print_warning("the command's own metrics are not pushed");
            }
        }
    }
}

impl From<CliError> for TextfileError {
    fn from(error: CliError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// The families of `inputs`, if they can be pushed to `key` together with the metrics of the job.
///
/// # Errors
/// [`TextfileError`] if a gateway would refuse them, or if a name is taken.
pub(crate) fn check<'a>(
    inputs: &'a [Input],
    key: &GroupingKey,
    has_ttl: bool,
) -> Result<Exposition<'a>, TextfileError> {
    let mut body = parse::parse(inputs)?;
    let mut errors = parse::with_texts(std::mem::take(&mut body.parse_errors));
    if errors.is_empty() {
        errors = parse::with_texts(body.check_push(Some(key)));
        errors.retain(|found| found.severity == Severity::Error);
        errors.extend(taken_names(&body.exposition, has_ttl));
    }
    if errors.is_empty() { Ok(body.exposition) } else { Err(TextfileError::Invalid(errors)) }
}

/// An error for each family that has the name of a metric of the job.
fn taken_names(exposition: &Exposition<'_>, has_ttl: bool) -> Vec<Diagnostic> {
    let families = exposition.families.iter();
    let taken = families.filter(|family| job_metrics::is_taken(&family.name, has_ttl));
    taken
        .map(|family| Diagnostic {
            severity: Severity::Error,
            input: 0,
            line: family.metrics.first().map_or(0, |metric| metric.line),
            span: Span::Name,
            message: format!("metric `{}` is pushed by `prompush run` itself", family.name),
            hint: Some("give it another name".to_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::FormatArg;

    #[track_caller]
    fn check_text(text: &str, expected: Result<usize, &str>) {
        let input = Input::new("x".into(), text.as_bytes().to_vec(), FormatArg::Auto).unwrap();
        let key = GroupingKey::new("j").unwrap();
        match (check(&[input], &key, true), expected) {
            (Ok(found), Ok(families)) => assert_eq!(found.families.len(), families),
            (Err(TextfileError::Invalid(found)), Err(text)) => {
                assert!(found[0].message.contains(text), "{found:?}");
            }
            (found, _) => panic!("{found:?}"),
        }
    }

    #[test]
    fn what_a_command_writes_is_checked() {
        check_text("", Ok(0));
        check_text("rows 7\nbytes 8\n", Ok(2));
        check_text("rows 7\njob_success 1\n", Err("`prompush run` itself"));
        check_text("push_ttl_seconds 7\n", Err("`prompush run` itself"));
        check_text("rows 7 1600000000\n", Err("timestamp"));
        check_text("rows seven\n", Err("seven"));
    }
}
