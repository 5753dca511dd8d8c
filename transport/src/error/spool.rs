//! What can go wrong with a spool.

use std::io;
use std::path::PathBuf;

/// A spool that cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The system refused: no space, no permission, a file system that is read-only.
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process is writing to the spool, and was not done in time.
    #[error("another process has the spool `{}` locked", dir.display())]
    Locked {
        /// The spool's directory.
        dir: PathBuf,
    },
    /// Another process is sending what the spool holds.
    #[error("another process is sending what the spool `{}` holds", dir.display())]
    Replaying {
        /// The spool's directory.
        dir: PathBuf,
    },
}

impl SpoolError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        let Self::Io { source, .. } = self else { return Some("try again when it is done") };
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Some("make room there, or name a spool on another disk")
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Some("the spool has to be a directory that this user may write to")
            }
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                Some("the spool has to be a directory")
            }
            _ => None,
        }
    }
}

/// Why a file of a spool cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolFault {
    /// It is incomplete, or its checksum is wrong.
    #[error("it is damaged")]
    Torn,
    /// It was written by a version of prompush that writes another format.
    #[error("it has the format {0} of a newer prompush")]
    Version(u8),
    /// The system does not let it be read.
    #[error("it cannot be read")]
    Unreadable,
    /// It is not a file of a spool.
    #[error("it is not a spooled state")]
    Foreign,
}
