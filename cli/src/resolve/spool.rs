//! The directory of the spool.

use std::path::PathBuf;

use crate::args::SpoolDirArg;
use crate::error::CliError;
use crate::resolve::variable::variable;

/// The environment variable with the spool's directory.
const SPOOL_VARIABLE: &str = "PROMPUSH_SPOOL";

/// The directory of the spool: the flag, else the variable, else none.
///
/// # Errors
/// If the variable is not UTF-8.
pub(crate) fn spool_dir(args: &SpoolDirArg) -> Result<Option<PathBuf>, CliError> {
    if args.dir.is_some() {
        return Ok(args.dir.clone());
    }
    Ok(variable(SPOOL_VARIABLE)?.map(PathBuf::from))
}
