//! The locks of a spool, which processes that share its directory hold in turn.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use prompush_core::clock::{Clock, SystemClock};

use crate::error::SpoolError;
use crate::exchange::{SystemWait, Wait};
use crate::spool::disk;

/// The file whose lock is held while the directory is changed.
const LOCK: &str = ".lock";
/// The file whose lock is held while a state is being sent.
const REPLAY_LOCK: &str = ".replay-lock";

/// The longest wait for another process that changes the spool. A change takes milliseconds.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock that is held while the directory `dir` is changed. Waits for another process.
    pub(crate) fn for_change(dir: &Path) -> Result<Self, SpoolError> {
        let clock = SystemClock;
        let until = clock.deadline(LOCK_WAIT_MAX);
        Self::take(dir, LOCK, || {
            if clock.now() >= until {
                return Err(SpoolError::Locked { dir: dir.to_owned() });
            }
            SystemWait.wait(LOCK_PAUSE);
            Ok(())
        })
    }

    /// Takes the lock that is held while a state is checked, sent and removed, so that no other process
    /// sends it too. Does not wait.
    pub(crate) fn for_replay(dir: &Path) -> Result<Self, SpoolError> {
        Self::take(dir, REPLAY_LOCK, || Err(SpoolError::Replaying { dir: dir.to_owned() }))
    }

    /// Takes the lock of the file `name`. While another process holds it, `wait` is called before each
    /// further attempt, and ends the attempts by an error.
    fn take(
        dir: &Path,
        name: &str,
        wait: impl Fn() -> Result<(), SpoolError>,
    ) -> Result<Self, SpoolError> {
        let path = dir.join(name);
        let file = open(&path)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) => wait()?,
                Err(TryLockError::Error(source)) => {
                    return Err(SpoolError::io("lock", &path, source));
                }
            }
        }
    }
}

fn open(path: &Path) -> Result<File, SpoolError> {
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        // Opening a pipe would block until another process reads from it.
        return Err(SpoolError::io("lock", path, io::Error::other("it is not a regular file")));
    }
    let opened = disk::open_options().create(true).truncate(false).open(path);
    opened.map_err(|source| SpoolError::io("write", path, source))
}
