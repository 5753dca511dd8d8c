//! The part of a spool that belongs to one gateway.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;

use crate::error::SpoolError;
use crate::group_key::AnyGroupingKey;
use crate::payload::GroupChange;
use crate::spool::directory::Spool;
use crate::spool::fingerprint;
use crate::spool::record::Record;

/// The states that one gateway has not acknowledged, on disk.
#[derive(Debug)]
pub(crate) struct GatewaySpool {
    pub(crate) spool: Spool,
    /// The gateway's base URL, without credentials.
    base: String,
    /// The groups that the spool keeps a state of, as far as this process knows, and when each state
    /// was created.
    spooled: Mutex<BTreeMap<AnyGroupingKey, SystemTime>>,
}

/// A change of a group that the gateway has not acknowledged.
#[derive(Debug)]
pub(crate) struct Unacknowledged {
    pub(crate) key: AnyGroupingKey,
    pub(crate) change: GroupChange,
    /// When the newest part of the change was created.
    pub(crate) created: SystemTime,
    /// Other changes that were sent without an answer: the gateway may have taken them, or may still
    /// take them.
    pub(crate) unconfirmed: Vec<GroupChange>,
}

impl GatewaySpool {
    /// Checks that the spool can be used, and reads what it keeps for this gateway.
    pub(crate) fn new(spool: Spool, base: String) -> Result<Self, SpoolError> {
        spool.prepare()?;
        let entries = spool.entries()?;
        let of_gateway = entries.iter().filter(|entry| entry.url() == Some(&base));
        let spooled = of_gateway
            .filter_map(|entry| Some((entry.group()?.clone(), entry.created()?)))
            .collect();
        Ok(Self { spool, base, spooled: Mutex::new(spooled) })
    }

    /// The groups that the spool keeps a state of.
    pub(crate) fn groups(&self) -> Vec<AnyGroupingKey> {
        self.spooled.lock().keys().cloned().collect()
    }

    /// Writes changes to disk. Returns for each the spool's directory, or why it is not on disk.
    pub(crate) fn store(
        &self,
        changes: Vec<Unacknowledged>,
    ) -> Vec<(AnyGroupingKey, Result<PathBuf, Arc<SpoolError>>)> {
        let created: Vec<_> =
            changes.iter().map(|change| (change.key.clone(), change.created)).collect();
        let records = changes.into_iter().map(|unacknowledged| {
            let Unacknowledged { key, change, created, unconfirmed } = unacknowledged;
            let unconfirmed = unconfirmed.iter();
            let unconfirmed =
                unconfirmed.filter_map(|change| fingerprint::of_change(change, &key)).collect();
            Record { base: self.base.clone(), key, change, created, unconfirmed }
        });
        let stored = self.spool.store(records.collect());
        let on_disk = created.iter().zip(&stored).filter(|(_, stored)| stored.is_ok());
        self.spooled.lock().extend(on_disk.map(|(created, _)| created.clone()));
        let dir = |()| self.spool.dir().to_owned();
        let keys = created.into_iter().map(|(key, _)| key);
        keys.zip(stored.into_iter().map(|stored| stored.map(dir))).collect()
    }

    /// The time for a state of that group that is created at `now`. The spooled state may be newer than
    /// `now` when the clock has been set back; then its time is returned.
    pub(crate) fn creation_time(&self, key: &AnyGroupingKey, now: SystemTime) -> SystemTime {
        self.spooled.lock().get(key).map_or(now, |created| now.max(*created))
    }

    /// Removes the spooled state of a group if it is not newer than `created`, which the gateway has
    /// acknowledged.
    pub(crate) fn remove_obsolete(&self, key: &AnyGroupingKey, created: SystemTime) {
        if !self.spooled.lock().contains_key(key) {
            return;
        }
        match self.spool.remove_obsolete(&self.base, key, created) {
            Ok(_) => drop(self.spooled.lock().remove(key)),
            Err(error) => {
                let path = key.path();
                log::warn!(
                    "an obsolete state of `{}{path}` stays in the spool: {error}",
                    self.base
                );
            }
        }
    }
}
