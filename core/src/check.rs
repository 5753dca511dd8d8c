//! What is wrong with a body, before it is pushed.
//!
//! A gateway refuses some bodies, takes others and drops a part of them, and shows a third kind in a
//! way that nobody meant. [`check`] finds all three without a gateway, each with its line:
//!
//! ```
//! use prompush_core::check::{Body, check};
//!
//! let body = Body::new(b"# TYPE rows counter\nrows 1\nbytes x\n".to_vec());
//! let report = check([&body], None)?;
//! let found: Vec<String> = report.diagnostics.iter().map(ToString::to_string).collect();
//! assert_eq!(
//!     found,
//!     [
//!         "metric `rows` has no HELP",
//!         "counter `rows` does not end in `_total`",
//!         "expected float as value, got \"x\"",
//!     ]
//! );
//! assert_eq!((report.errors(), report.warnings()), (1, 2));
//! # Ok::<(), prompush_core::check::DuplicateFamily>(())
//! ```
//!
//! [`ParsedBodies`] does the same in steps, for a program that pushes what it has checked.

mod body;
mod diagnostic;
mod hint;
mod lint;
mod parse_hint;
mod parsed_bodies;
pub(crate) mod push_problem;
mod repair;
mod report;
mod span;

pub use body::{Body, NotText};
pub use diagnostic::{Diagnostic, DiagnosticKind, Severity};
pub use hint::Hint;
pub use lint::{Lint, LintKind};
pub use parsed_bodies::{DuplicateFamily, ParsedBodies};
pub use push_problem::{PushProblem, PushProblemKind, check_push};
pub use repair::Repair;
pub use report::{Report, check};
pub use span::Span;
