//! The metrics that a command has written, checked as `prompush check` checks them.

use prompush_core::check::{Severity, Span};
use prompush_core::{Exposition, GroupingKey};

use crate::body::diagnostics;
use crate::body::input::Input;
use crate::error::CliError;
use crate::output::diagnostic::{Diagnostic, show_errors};
use crate::output::terminal::print_warning;
use crate::run::job_metrics;

/// Why a command's metrics are not pushed.
#[derive(Debug)]
pub(crate) enum Refused {
    /// They cannot be read, for that reason.
    Unreadable(String),
    /// A gateway would refuse them, or they are named like ours.
    Invalid(Vec<Diagnostic>),
}

impl Refused {
    /// Says so on stderr; `inputs` are what was checked.
    pub(crate) fn show(&self, inputs: &[Input]) {
        match self {
            Self::Unreadable(words) => print_warning(words),
            Self::Invalid(errors) => {
                show_errors(errors, inputs);
                print_warning("the command's own metrics are not pushed");
            }
        }
    }
}

impl From<CliError> for Refused {
    fn from(error: CliError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// The families of `inputs`, if they can be pushed to `key` beside ours.
pub(crate) fn check<'a>(
    inputs: &'a [Input],
    key: &GroupingKey,
    has_ttl: bool,
) -> Result<Exposition<'a>, Refused> {
    let mut body = diagnostics::parse(inputs)?;
    let mut errors = diagnostics::with_texts(std::mem::take(&mut body.parse_errors));
    if errors.is_empty() {
        errors = diagnostics::with_texts(body.check_push(Some(key)));
        errors.retain(|found| found.severity == Severity::Error);
        errors.extend(ours(&body.exposition, has_ttl));
    }
    if errors.is_empty() { Ok(body.exposition) } else { Err(Refused::Invalid(errors)) }
}

/// A complaint about each family that is named like one of ours.
fn ours(exposition: &Exposition<'_>, has_ttl: bool) -> Vec<Diagnostic> {
    let families = exposition.families.iter();
    let ours = families.filter(|family| job_metrics::is_ours(&family.name, has_ttl));
    ours.map(|family| Diagnostic {
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
            (Err(Refused::Invalid(found)), Err(words)) => {
                assert!(found[0].message.contains(words), "{found:?}");
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
