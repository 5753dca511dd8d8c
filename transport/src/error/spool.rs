//! Errors of a spool and of the files in it.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::hint::Hint;

/// Why a spool cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The system refused, for lack of space or permission, or because the file system is read-only.
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        /// The failed action: `read`, `write`, `rename`, `remove`, `sync`, `lock` or `make`.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// Another process is writing to the spool, and did not finish within a second.
    #[error("another process has the spool `{}` locked", dir.display())]
    Locked {
        /// The spool's directory.
        dir: PathBuf,
    },
    /// Another process is sending the states in the spool.
    #[error("another process is sending what the spool `{}` holds", dir.display())]
    Replaying {
        /// The spool's directory.
        dir: PathBuf,
    },
}

impl SpoolError {
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }

    /// The advice about the error; `None` where that is not known.
    pub fn hint(&self) -> Option<Hint> {
        let Self::Io { source, .. } = self else { return Some(Hint::SpoolInUse) };
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(Hint::SpoolDiskFull),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Some(Hint::SpoolNotWritable)
            }
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                Some(Hint::SpoolNotADirectory)
            }
            _ => None,
        }
    }
}

/// Why a file of a spool cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolFault {
    /// The file is incomplete, or its checksum is wrong.
    #[error("it is damaged")]
    Torn,
    /// A newer version of prompush wrote the file, in another format.
    #[error("it has the format {0} of a newer prompush")]
    Version(u8),
    /// The file cannot be read.
    #[error("it cannot be read")]
    Unreadable,
    /// The file was not written by a spool.
    #[error("it is not a spooled state")]
    Foreign,
}
