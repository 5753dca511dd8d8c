//! The order in which groups are sent.

use std::collections::BTreeMap;

use crate::group_key::AnyGroupingKey;

/// Groups in the order in which they were added, each once.
#[derive(Debug, Default)]
pub(crate) struct SendOrder {
    by_number: BTreeMap<u64, AnyGroupingKey>,
    numbers: BTreeMap<AnyGroupingKey, u64>,
    last_number: u64,
}

impl SendOrder {
    /// Adds a group at the end, unless it is in the order already.
    pub(crate) fn push(&mut self, key: &AnyGroupingKey) {
        if !self.numbers.contains_key(key) {
            self.last_number += 1;
            self.numbers.insert(key.clone(), self.last_number);
            self.by_number.insert(self.last_number, key.clone());
        }
    }

    pub(crate) fn first(&self) -> Option<&AnyGroupingKey> {
        self.by_number.values().next()
    }

    pub(crate) fn remove(&mut self, key: &AnyGroupingKey) {
        if let Some(number) = self.numbers.remove(key) {
            self.by_number.remove(&number);
        }
    }
}
