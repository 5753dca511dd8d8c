//! A gateway's part of a spool.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::background::queue::{Path, Unacknowledged};
use crate::error::spool::SpoolError;
use crate::spool::directory::Spool;
use crate::spool::fingerprint;
use crate::spool::record::Record;

/// Keeps what one gateway has not acknowledged.
#[derive(Debug)]
pub(crate) struct GatewaySpool {
    pub(crate) spool: Spool,
    /// The gateway's base URL, without credentials.
    base: String,
    /// The groups of which the spool holds a state, as far as this process knows, and when it was made.
    spooled: Mutex<BTreeMap<Path, SystemTime>>,
}

impl GatewaySpool {
    /// Finds out whether the spool can be used, and what it holds for that gateway.
    pub(crate) fn new(spool: Spool, base: String) -> Result<Self, SpoolError> {
        spool.prepare()?;
        let entries = spool.entries()?;
        let of_ours = entries.iter().filter(|entry| entry.url() == Some(&base));
        let spooled = of_ours
            .filter_map(|entry| Some((Path::from(entry.path()?), entry.created()?)))
            .collect();
        Ok(Self { spool, base, spooled: Mutex::new(spooled) })
    }

    /// The groups of which the spool holds a state.
    pub(crate) fn paths(&self) -> Vec<Path> {
        self.spooled().keys().cloned().collect()
    }

    /// Keeps states on disk, and says of each whether they are.
    pub(crate) fn store(
        &self,
        left: Vec<Unacknowledged>,
    ) -> Vec<(Path, Result<PathBuf, Arc<SpoolError>>)> {
        let created: Vec<_> =
            left.iter().map(|left| (Arc::clone(&left.path), left.created)).collect();
        let records = left.into_iter().map(|left| Record {
            base: self.base.clone(),
            unconfirmed: left
                .unconfirmed
                .iter()
                .filter_map(|state| fingerprint::of_state(state, &left.path))
                .collect(),
            path: left.path.to_string(),
            state: left.state,
            created: left.created,
        });
        let spooled = self.spool.store(records.collect());
        let dir = |()| self.spool.dir().to_owned();
        let on_disk = created.iter().zip(&spooled).filter(|(_, spooled)| spooled.is_ok());
        self.spooled().extend(on_disk.map(|(created, _)| created.clone()));
        let paths = created.into_iter().map(|(path, _)| path);
        paths.zip(spooled.into_iter().map(|spooled| spooled.map(dir))).collect()
    }

    /// `now`, or later where what is kept of that group was made later: the clock has been set back.
    pub(crate) fn creation_time(&self, path: &Path, now: SystemTime) -> SystemTime {
        self.spooled().get(path).map_or(now, |created| now.max(*created))
    }

    /// The gateway has acknowledged a state of that group made then: what is kept and no newer is
    /// obsolete.
    pub(crate) fn remove_obsolete(&self, path: &Path, created: SystemTime) {
        if !self.spooled().contains_key(path) {
            return;
        }
        match self.spool.remove_obsolete(&self.base, path, created) {
            Ok(_) => drop(self.spooled().remove(path)),
            Err(error) => log::warn!("what is kept of `{}{path}` is obsolete: {error}", self.base),
        }
    }

    fn spooled(&self) -> MutexGuard<'_, BTreeMap<Path, SystemTime>> {
        self.spooled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
