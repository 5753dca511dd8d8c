//! A gateway's part of a spool.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::queue::{Left, Path};
use crate::spool::{Record, Spool, SpoolError, fingerprint};

/// Keeps what one gateway has not acknowledged.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) spool: Spool,
    /// The gateway's base URL, without credentials.
    base: String,
    /// The groups of which the spool holds a state, as far as this process knows.
    kept: Mutex<BTreeSet<Path>>,
}

impl Keeper {
    /// Finds out whether the spool can be used, and what it holds for that gateway.
    pub(crate) fn new(spool: Spool, base: String) -> Result<Self, SpoolError> {
        spool.prepare()?;
        let entries = spool.entries()?;
        let of_ours = entries.iter().filter(|entry| entry.url() == Some(&base));
        let kept: BTreeSet<Path> =
            of_ours.filter_map(|entry| entry.path()).map(Path::from).collect();
        Ok(Self { spool, base, kept: Mutex::new(kept) })
    }

    /// The groups of which the spool holds a state.
    pub(crate) fn paths(&self) -> Vec<Path> {
        self.kept().iter().cloned().collect()
    }

    /// Keeps states on disk, and says of each whether they are.
    pub(crate) fn keep(&self, left: Vec<Left>) -> Vec<(Path, Result<PathBuf, Arc<SpoolError>>)> {
        let paths: Vec<Path> = left.iter().map(|left| Arc::clone(&left.path)).collect();
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
        let results: Vec<_> =
            paths.into_iter().zip(kept.into_iter().map(|kept| kept.map(dir))).collect();
        let on_disk = results.iter().filter(|(_, kept)| kept.is_ok());
        self.kept().extend(on_disk.map(|(path, _)| Arc::clone(path)));
        results
    }

    /// The gateway has acknowledged a state of that group made then: what is kept and no newer is
    /// obsolete.
    pub(crate) fn forget(&self, path: &Path, made: SystemTime) {
        if !self.kept().contains(path) {
            return;
        }
        match self.spool.forget(&self.base, path, made) {
            Ok(_) => drop(self.kept().remove(path)),
            Err(error) => log::warn!("what is kept of `{}{path}` is obsolete: {error}", self.base),
        }
    }

    fn kept(&self) -> MutexGuard<'_, BTreeSet<Path>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
