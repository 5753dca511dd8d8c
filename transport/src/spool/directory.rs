//! States that no gateway has acknowledged, kept in a directory for a later run.
//!
//! One file per gateway and group. It is written under another name, synced and renamed, and the
//! directory is synced, so that a crash at any moment leaves the old state or the new one. Whoever
//! changes the directory holds its lock.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::error::spool::{SpoolError, SpoolFault};
use crate::error::verb::Verb;
use crate::exchange::wait::{SystemWait, Wait};
use crate::spool::disk;
use crate::spool::disk::{Disk, SystemDisk};
use crate::spool::fnv::fnv1a;
use crate::spool::record::Record;
use prompush_core::clock::{Clock, SystemClock};

/// Ends the name of a state's file.
const SUFFIX: &str = "spool";
/// Ends the name of a file that was set aside because it is damaged.
const DAMAGED: &str = "damaged";
/// The file whose lock is held while the directory is changed.
const LOCK: &str = ".lock";
/// The file whose lock is held while a state is being sent.
const REPLAY_LOCK: &str = ".replay-lock";

/// Most files of one group that are set aside under other names.
const NAMES_MAX: u32 = 1000;

/// A larger file is none of ours.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Longest wait for another process that changes the spool: it does so in milliseconds.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// A directory with states that no gateway has acknowledged.
///
/// [`OutboxBuilder::spool`](crate::OutboxBuilder::spool),
/// [`PusherBuilder::spool`](crate::PusherBuilder::spool) and
/// [`Gateway::spool`](crate::Gateway::spool) fill it; they and [`replay`](Self::replay) send what it
/// holds. Files are readable by their owner only. They hold no credentials.
#[derive(Clone, Debug)]
pub struct Spool {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
}

/// A file in a spool.
#[derive(Clone, Debug)]
pub struct SpoolEntry {
    file: PathBuf,
    pub(crate) record: Result<Record, SpoolFault>,
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl SpoolEntry {
    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Why it cannot be sent, where that is so: then all that follows is `None`.
    pub fn fault(&self) -> Option<SpoolFault> {
        self.record.as_ref().err().copied()
    }

    /// The gateway's base URL, without credentials.
    pub fn url(&self) -> Option<&str> {
        self.record.as_ref().ok().map(|record| record.base.as_str())
    }

    /// The group's path, from `/metrics` on; [`decode_path`](crate::decode_path) has its labels.
    pub fn path(&self) -> Option<&str> {
        self.record.as_ref().ok().map(|record| record.path.as_str())
    }

    /// What the gateway is to be asked: a push, an add or a delete.
    pub fn verb(&self) -> Option<Verb> {
        self.record.as_ref().ok().map(Record::verb)
    }

    /// When the newest part of the state was made.
    pub fn created(&self) -> Option<SystemTime> {
        self.record.as_ref().ok().map(|record| record.created)
    }

    /// Whether the file is still as it was listed.
    pub(crate) fn is_unchanged(&self) -> bool {
        read(&self.file).is_some_and(|record| record == self.record)
    }

    /// How many metric families it has, and how many bytes they are as a body.
    pub fn size(&self) -> Option<(usize, usize)> {
        let families = self.record.as_ref().ok()?.state.families();
        Some(families.map_or((0, 0), |families| (families.len(), families.bytes_len())))
    }
}

impl Spool {
    /// The spool in that directory, which is made when something has to be kept.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), disk: Arc::new(SystemDisk) }
    }

    #[cfg(test)]
    pub(crate) fn on_disk(dir: &Path, disk: Arc<dyn Disk>) -> Self {
        Self { dir: dir.to_owned(), disk }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The files that are there, sorted by name; none if there is no such directory.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Io`] when the directory cannot be read.
    pub fn entries(&self) -> Result<Vec<SpoolEntry>, SpoolError> {
        let not_done = |source| failed("read", &self.dir, source);
        let listed = match fs::read_dir(&self.dir) {
            Ok(listed) => listed.collect::<Result<Vec<_>, _>>().map_err(not_done)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(not_done(error)),
        };
        let mut files: Vec<PathBuf> = listed.into_iter().map(|entry| entry.path()).collect();
        files.retain(|file| {
            let suffix = file.extension().and_then(|suffix| suffix.to_str()).unwrap_or_default();
            suffix == SUFFIX || suffix.starts_with(DAMAGED)
        });
        files.sort_unstable();
        let entry = |file: PathBuf| read(&file).map(|record| SpoolEntry { file, record });
        Ok(files.into_iter().filter_map(entry).collect())
    }

    /// Removes a file, unless it has changed since it was listed. Returns whether it was removed.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] when the spool is locked or the system refuses.
    pub fn remove(&self, entry: &SpoolEntry) -> Result<bool, SpoolError> {
        let _lock = self.lock()?;
        let is_same = entry.is_unchanged();
        if is_same {
            self.remove_file(&entry.file)?;
        }
        Ok(is_same)
    }

    /// Makes the directory, removes what a killed process may have left half written, and finds
    /// out whether the spool can be written to.
    pub(crate) fn prepare(&self) -> Result<(), SpoolError> {
        let _lock = self.lock()?;
        let Ok(listed) = fs::read_dir(&self.dir) else { return Ok(()) };
        let half = listed
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.file_name().and_then(OsStr::to_str).is_some_and(is_half_written));
        for path in half {
            self.disk.remove(&path).ok(); // it stays, and does no harm
        }
        Ok(())
    }

    /// What is kept of a group.
    pub(crate) fn find(&self, base: &str, path: &str) -> Option<Record> {
        let record = read(&self.file_of(base, path)).and_then(Result::ok);
        record.filter(|record| record.base == base && record.path == path)
    }

    /// Keeps states, each merged with what is kept of its group already. When this returns, those
    /// that are `Ok` are on disk.
    pub(crate) fn store(&self, records: Vec<Record>) -> Vec<Result<(), Arc<SpoolError>>> {
        let count = records.len();
        let all = |error: SpoolError| vec![Err(Arc::new(error)); count];
        let _lock = match self.lock() {
            Ok(lock) => lock,
            Err(error) => return all(error),
        };
        let spooled: Vec<_> =
            records.into_iter().map(|record| self.store_one(record).map_err(Arc::new)).collect();
        match self.disk.sync_dir(&self.dir) {
            Ok(()) => spooled,
            Err(source) => all(failed("sync", &self.dir, source)),
        }
    }

    /// Removes what is kept of a group, if it is no newer than `created`. Returns whether it was.
    pub(crate) fn remove_obsolete(
        &self,
        base: &str,
        path: &str,
        created: SystemTime,
    ) -> Result<bool, SpoolError> {
        let file = self.file_of(base, path);
        if !file.exists() {
            return Ok(false);
        }
        let _lock = self.lock()?;
        let is_older = self.find(base, path).is_some_and(|record| record.created <= created);
        if is_older {
            self.remove_file(&file)?;
        }
        Ok(is_older)
    }

    /// Held while a state is checked, sent and removed, so that no other process sends it again.
    pub(crate) fn lock_replay(&self) -> Result<Lock, SpoolError> {
        let path = self.dir.join(REPLAY_LOCK);
        let file = self.open_lock(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(SpoolError::Replaying { dir: self.dir.clone() }),
            Err(TryLockError::Error(source)) => Err(failed("lock", &path, source)),
        }
    }

    fn store_one(&self, mut record: Record) -> Result<(), SpoolError> {
        let file = self.file_of(&record.base, &record.path);
        match read(&file) {
            Some(Ok(there)) if there.base == record.base && there.path == record.path => {
                if let Err(there) = record.merge(there) {
                    log::warn!("`{}` cannot be merged: {there}", file.display());
                    self.set_aside(&file, SUFFIX)?;
                }
            }
            Some(Err(SpoolFault::Torn)) => self.set_aside(&file, DAMAGED)?,
            Some(_) => self.set_aside(&file, SUFFIX)?,
            None => {}
        }
        self.write(&file, &record.encode())
    }

    /// The old contents or the new, whatever happens meanwhile.
    fn write(&self, file: &Path, bytes: &[u8]) -> Result<(), SpoolError> {
        let half = file.with_extension("tmp");
        if fs::symlink_metadata(&half).is_ok() {
            self.remove_file(&half)?;
        }
        let not_done = |source| failed("write", &half, source);
        let mut new = self.disk.create_file(&half).map_err(not_done)?;
        let written = self.disk.write(&mut new, bytes).and_then(|()| self.disk.sync_file(&new));
        if let Err(source) = written {
            self.disk.remove(&half).ok(); // it takes room that may be what is missing
            return Err(not_done(source));
        }
        self.disk.rename(&half, file).map_err(|source| failed("write", file, source))
    }

    /// Gives a file another name, so that nothing of it is lost.
    fn set_aside(&self, file: &Path, suffix: &str) -> Result<(), SpoolError> {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let free = (2..=NAMES_MAX)
            .map(|n| self.dir.join(format!("{stem}-{n}.{suffix}")))
            .find(|path| !path.exists());
        let Some(free) = free else {
            let source = io::Error::other("too many files were set aside already");
            return Err(failed("rename", file, source));
        };
        log::warn!(
            "`{}` is not what belongs there: it is now `{}`",
            file.display(),
            free.display()
        );
        self.disk.rename(file, &free).map_err(|source| failed("rename", file, source))
    }

    fn remove_file(&self, file: &Path) -> Result<(), SpoolError> {
        self.disk.remove(file).map_err(|source| failed("remove", file, source))?;
        self.disk.sync_dir(&self.dir).map_err(|source| failed("sync", &self.dir, source))
    }

    /// Waits for the lock of the directory, which is made where it is missing.
    fn lock(&self) -> Result<Lock, SpoolError> {
        let path = self.dir.join(LOCK);
        let file = self.open_lock(&path)?;
        let clock = SystemClock;
        let until_deadline = clock.deadline(LOCK_WAIT_MAX);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(TryLockError::WouldBlock) if clock.now() < until_deadline => {
                    SystemWait.wait(LOCK_PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(SpoolError::Locked { dir: self.dir.clone() });
                }
                Err(TryLockError::Error(source)) => return Err(failed("lock", &path, source)),
            }
        }
    }

    fn open_lock(&self, path: &Path) -> Result<File, SpoolError> {
        if !self.dir.is_dir() {
            self.make_dir()?;
        }
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            // Opening a pipe would wait for somebody to read from it.
            return Err(failed("lock", path, io::Error::other("it is no regular file")));
        }
        let opened = disk::open_options().create(true).truncate(false).open(path);
        opened.map_err(|source| failed("write", path, source))
    }

    fn make_dir(&self) -> Result<(), SpoolError> {
        let not_done = |source| failed("make", &self.dir, source);
        self.disk.create_dir(&self.dir).map_err(not_done)?;
        match self.dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => self.disk.sync_dir(parent).map_err(not_done),
            None => Ok(()),
        }
    }

    fn file_of(&self, base: &str, path: &str) -> PathBuf {
        let name = fnv1a(base.bytes().chain([b'\n']).chain(path.bytes()));
        self.dir.join(format!("{name:016x}.{SUFFIX}"))
    }
}

/// What a file says; `None` if there is none.
fn read(file: &Path) -> Option<Result<Record, SpoolFault>> {
    let bytes = fs::symlink_metadata(file).and_then(|metadata| {
        // Reading a pipe would wait for somebody to write to it.
        let is_ours = metadata.is_file() && metadata.len() <= FILE_BYTES_MAX;
        is_ours.then(|| fs::read(file)).transpose()
    });
    match bytes {
        Ok(Some(bytes)) => Some(Record::decode(&bytes)),
        Ok(None) => Some(Err(SpoolFault::Foreign)),
        // A spool that is no directory is said when something is to be kept.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            None
        }
        Err(error) => {
            log::warn!("cannot read `{}`: {error}", file.display());
            Some(Err(SpoolFault::Unreadable))
        }
    }
}

/// Whether a file has the name that ours have while they are being written.
fn is_half_written(name: &str) -> bool {
    name.strip_suffix(".tmp")
        .is_some_and(|stem| stem.len() == 16 && stem.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> SpoolError {
    SpoolError::Io { doing, path: path.to_owned(), source }
}

#[cfg(test)]
mod shared_tests;

#[cfg(test)]
mod tests;
