//! The directory of the spool.

use std::path::PathBuf;

use crate::args::SpoolDirArg;
use crate::environment;
use crate::error::CliError;
use crate::resolve::variable::variable;

/// The directory of the spool: from the flag, else from the variable, else `None`.
///
/// # Errors
/// [`CliError::Environment`] if the variable is not UTF-8.
pub(crate) fn spool_dir(args: &SpoolDirArg) -> Result<Option<PathBuf>, CliError> {
    if args.dir.is_some() {
        return Ok(args.dir.clone());
    }
    Ok(variable(environment::SPOOL)?.map(PathBuf::from))
}
