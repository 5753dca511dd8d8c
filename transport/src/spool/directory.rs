//! The directory of a spool: one file for each gateway and group.
//!
//! A file is written under another name, synced and renamed, and then the directory is synced. So a
//! crash at any moment leaves the old state or the new one. Every process that changes the directory
//! holds the lock of the directory meanwhile.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::error::{SpoolError, SpoolFault, Verb};
use crate::group_key::AnyGroupingKey;
use crate::spool::disk::{Disk, SystemDisk};
use crate::spool::fnv::fnv1a;
use crate::spool::lock::Lock;
use crate::spool::record::Record;

/// The suffix of a file that holds a state.
const SUFFIX: &str = "spool";
/// The suffix of a damaged file that was renamed.
const DAMAGED: &str = "damaged";
/// The largest number of renamed files of one group.
const NAMES_MAX: u32 = 1000;

/// The largest file that a spool may have written, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// A directory with states that no gateway has acknowledged.
///
/// [`OutboxBuilder::spool`](crate::OutboxBuilder::spool),
/// [`PusherBuilder::spool`](crate::PusherBuilder::spool) and [`Gateway::spool`](crate::Gateway::spool)
/// write to it. They and [`replay`](Self::replay) send what is in it. Only the owner of a file can read
/// it. The files hold no credentials.
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

impl SpoolEntry {
    /// The path of the file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Why the file holds no state that can be sent; then all methods below return `None`.
    pub fn fault(&self) -> Option<SpoolFault> {
        self.record.as_ref().err().copied()
    }

    /// The gateway's base URL, without credentials.
    pub fn url(&self) -> Option<&str> {
        self.record.as_ref().ok().map(|record| record.base.as_str())
    }

    /// The group.
    pub fn group(&self) -> Option<&AnyGroupingKey> {
        self.record.as_ref().ok().map(|record| &record.key)
    }

    /// The operation that sends the state: a push, an add or a delete.
    pub fn verb(&self) -> Option<Verb> {
        self.record.as_ref().ok().map(Record::verb)
    }

    /// When the newest part of the state was created.
    pub fn created(&self) -> Option<SystemTime> {
        self.record.as_ref().ok().map(|record| record.created)
    }

    /// Whether the file has not changed since it was listed.
    pub(crate) fn is_unchanged(&self) -> bool {
        read(&self.file).is_some_and(|record| record == self.record)
    }

    /// The number of metric families, and the size of their body in bytes.
    pub fn size(&self) -> Option<(usize, usize)> {
        let families = self.record.as_ref().ok()?.change.families();
        Some(families.map_or((0, 0), |families| (families.len(), families.bytes_len())))
    }
}

impl Spool {
    /// The spool in a directory. The directory is created when the first state is written.
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

    /// Lists the files, sorted by name. The list is empty when there is no such directory.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Io`] when the directory cannot be read.
    pub fn entries(&self) -> Result<Vec<SpoolEntry>, SpoolError> {
        let not_done = |source| SpoolError::io("read", &self.dir, source);
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

    /// Removes a file unless it has changed since it was listed. Returns whether the file was removed.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] when another process holds the lock, or the system refuses.
    pub fn remove(&self, entry: &SpoolEntry) -> Result<bool, SpoolError> {
        let _lock = self.lock()?;
        let is_same = entry.is_unchanged();
        if is_same {
            self.remove_file(&entry.file)?;
        }
        Ok(is_same)
    }

    /// Creates the directory, checks that it can be written to, and removes the half-written files of
    /// killed processes.
    pub(crate) fn prepare(&self) -> Result<(), SpoolError> {
        let _lock = self.lock()?;
        let Ok(listed) = fs::read_dir(&self.dir) else { return Ok(()) };
        let half = listed
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.file_name().and_then(OsStr::to_str).is_some_and(is_half_written));
        for path in half {
            self.disk.remove(&path).ok(); // a file that stays does no harm
        }
        Ok(())
    }

    /// Reads the state of a group; `None` when there is none.
    pub(crate) fn find(&self, base: &str, key: &AnyGroupingKey) -> Option<Record> {
        let record = read(&self.file_of(base, key)).and_then(Result::ok);
        record.filter(|record| record.base == base && record.key == *key)
    }

    /// Writes states, each merged with the spooled state of its group. Every state whose result is `Ok`
    /// is on disk when this returns.
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
            Err(source) => all(SpoolError::io("sync", &self.dir, source)),
        }
    }

    /// Removes the state of a group if it is not newer than `created`. Returns whether it was removed.
    pub(crate) fn remove_obsolete(
        &self,
        base: &str,
        key: &AnyGroupingKey,
        created: SystemTime,
    ) -> Result<bool, SpoolError> {
        let file = self.file_of(base, key);
        if !file.exists() {
            return Ok(false);
        }
        let _lock = self.lock()?;
        let is_older = self.find(base, key).is_some_and(|record| record.created <= created);
        if is_older {
            self.remove_file(&file)?;
        }
        Ok(is_older)
    }

    fn store_one(&self, mut record: Record) -> Result<(), SpoolError> {
        let file = self.file_of(&record.base, &record.key);
        match read(&file) {
            Some(Ok(spooled)) if spooled.base == record.base && spooled.key == record.key => {
                if let Err(error) = record.merge(spooled) {
                    log::warn!("`{}` cannot be merged: {error}", file.display());
                    self.set_aside(&file, SUFFIX)?;
                }
            }
            Some(Err(SpoolFault::Torn)) => self.set_aside(&file, DAMAGED)?,
            Some(_) => self.set_aside(&file, SUFFIX)?,
            None => {}
        }
        self.write(&file, &record.encode())
    }

    /// Writes a file so that a crash leaves the old content or the new one.
    fn write(&self, file: &Path, bytes: &[u8]) -> Result<(), SpoolError> {
        let half = file.with_extension("tmp");
        if fs::symlink_metadata(&half).is_ok() {
            self.remove_file(&half)?;
        }
        let not_done = |source| SpoolError::io("write", &half, source);
        let mut new = self.disk.create_file(&half).map_err(not_done)?;
        let written = self.disk.write(&mut new, bytes).and_then(|()| self.disk.sync_file(&new));
        if let Err(source) = written {
            self.disk.remove(&half).ok(); // it takes space, which may be what is missing
            return Err(not_done(source));
        }
        self.disk.rename(&half, file).map_err(|source| SpoolError::io("write", file, source))
    }

    /// Renames a file whose name a state needs, so that nothing is lost.
    fn set_aside(&self, file: &Path, suffix: &str) -> Result<(), SpoolError> {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let free = (2..=NAMES_MAX)
            .map(|n| self.dir.join(format!("{stem}-{n}.{suffix}")))
            .find(|path| !path.exists());
        let Some(free) = free else {
            let source = io::Error::other("too many files were renamed already");
            return Err(SpoolError::io("rename", file, source));
        };
        log::warn!(
            "`{}` is not the file that belongs there: it is renamed to `{}`",
            file.display(),
            free.display()
        );
        self.disk.rename(file, &free).map_err(|source| SpoolError::io("rename", file, source))
    }

    fn remove_file(&self, file: &Path) -> Result<(), SpoolError> {
        self.disk.remove(file).map_err(|source| SpoolError::io("remove", file, source))?;
        self.disk.sync_dir(&self.dir).map_err(|source| SpoolError::io("sync", &self.dir, source))
    }

    /// Takes the lock that is held while a state is sent. Creates the directory if it is missing.
    pub(crate) fn lock_replay(&self) -> Result<Lock, SpoolError> {
        self.make_dir()?;
        Lock::for_replay(&self.dir)
    }

    /// Takes the lock of the directory. Creates the directory if it is missing.
    fn lock(&self) -> Result<Lock, SpoolError> {
        self.make_dir()?;
        Lock::for_change(&self.dir)
    }

    fn make_dir(&self) -> Result<(), SpoolError> {
        if self.dir.is_dir() {
            return Ok(());
        }
        let not_done = |source| SpoolError::io("make", &self.dir, source);
        self.disk.create_dir(&self.dir).map_err(not_done)?;
        match self.dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => self.disk.sync_dir(parent).map_err(not_done),
            None => Ok(()),
        }
    }

    fn file_of(&self, base: &str, key: &AnyGroupingKey) -> PathBuf {
        let name = fnv1a(base.bytes().chain([b'\n']).chain(key.path().bytes()));
        self.dir.join(format!("{name:016x}.{SUFFIX}"))
    }
}

/// Reads a file; `None` if there is none.
fn read(file: &Path) -> Option<Result<Record, SpoolFault>> {
    let bytes = fs::symlink_metadata(file).and_then(|metadata| {
        // Reading a pipe would block until another process writes to it.
        let is_ours = metadata.is_file() && metadata.len() <= FILE_BYTES_MAX;
        is_ours.then(|| fs::read(file)).transpose()
    });
    match bytes {
        Ok(Some(bytes)) => Some(Record::decode(&bytes)),
        Ok(None) => Some(Err(SpoolFault::Foreign)),
        // A spool that is not a directory is reported when a state is written.
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

/// Whether a file has the name of a state that is being written.
fn is_half_written(name: &str) -> bool {
    name.strip_suffix(".tmp")
        .is_some_and(|stem| stem.len() == 16 && stem.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests;
