//! A gateway's part of a spool.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::background::queue::{Left, Path};
use crate::error::SpoolError;
use crate::spool::directory::Spool;
use crate::spool::fingerprint;
use crate::spool::record::Record;

/// Keeps what one gateway has not acknowledged.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) spool: Spool,
    /// The gateway's base URL, without credentials.
    base: String,
    /// The groups of which the spool holds a state, as far as this process knows, and when it was made.
    kept: Mutex<BTreeMap<Path, SystemTime>>,
}

impl Keeper {
    /// Finds out whether the spool can be used, and what it holds for that gateway.
    pub(crate) fn new(spool: Spool, base: String) -> Result<Self, SpoolError> {
        spool.prepare()?;
        let entries = spool.entries()?;
        let of_ours = entries.iter().filter(|entry| entry.url() == Some(&base));
        let kept =
            of_ours.filter_map(|entry| Some((Path::from(entry.path()?), entry.made()?))).collect();
        Ok(Self { spool, base, kept: Mutex::new(kept) })
    }

    /// The groups of which the spool holds a state.
    pub(crate) fn paths(&self) -> Vec<Path> {
        self.kept().keys().cloned().collect()
    }

    /// Keeps states on disk, and says of each whether they are.
    pub(crate) fn keep(&self, left: Vec<Left>) -> Vec<(Path, Result<PathBuf, Arc<SpoolError>>)> {
        let made: Vec<_> = left.iter().map(|left| (Arc::clone(&left.path), left.made)).collect();
        let records = left.into_iter().map(|left| Record {
            base: self.base.clone(),
            doubts: left
                .doubts
                .iter()
                .filter_map(|state| fingerprint::of_state(state, &left.path))
                .collect(),
            path: left.path.to_string(),
            state: left.state,
            made: left.made,
        });
        let kept = self.spool.keep(records.collect());
        let dir = |()| self.spool.dir().to_owned();
        let on_disk = made.iter().zip(&kept).filter(|(_, kept)| kept.is_ok());
        self.kept().extend(on_disk.map(|(made, _)| made.clone()));
        let paths = made.into_iter().map(|(path, _)| path);
        paths.zip(kept.into_iter().map(|kept| kept.map(dir))).collect()
    }

    /// `now`, or later where what is kept of that group was made later: the clock has been set back.
    pub(crate) fn later(&self, path: &Path, now: SystemTime) -> SystemTime {
        self.kept().get(path).map_or(now, |made| now.max(*made))
    }

    /// The gateway has acknowledged a state of that group made then: what is kept and no newer is
    /// obsolete.
    pub(crate) fn forget(&self, path: &Path, made: SystemTime) {
        if !self.kept().contains_key(path) {
            return;
        }
        match self.spool.forget(&self.base, path, made) {
            Ok(_) => drop(self.kept().remove(path)),
            Err(error) => log::warn!("what is kept of `{}{path}` is obsolete: {error}", self.base),
        }
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<Path, SystemTime>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
