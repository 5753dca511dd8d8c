//! A check of a body before it is pushed.
//!
//! A gateway refuses some bodies. It takes others and drops a part of them. And some bodies it takes whole,
//! although the program hardly meant what they say. [`check`] finds all three kinds of faults without a
//! gateway, each with its line:
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
mod lint;
mod parse_hint;
mod parsed_bodies;
mod push_problem;

pub use body::{Body, NotText, Repair};
pub use diagnostic::{Diagnostic, Hint, Severity, Span};
pub use parsed_bodies::{DuplicateFamily, ParsedBodies, Report, check};
pub use push_problem::{PushProblem, PushProblemKind, check_push};
