//! The spool: states that no gateway has acknowledged, kept in a directory for a later run.

pub(crate) mod directory;
pub(crate) mod disk;
pub(crate) mod fingerprint;
pub(crate) mod fnv;
pub(crate) mod freshness;
pub(crate) mod gateway_spool;
pub(crate) mod lock;
pub(crate) mod record;
pub(crate) mod replay;

pub(crate) use directory::{Spool, SpoolEntry};
pub(crate) use gateway_spool::{GatewaySpool, Unacknowledged};
pub(crate) use record::Record;
pub(crate) use replay::{ReplayError, ReplayOutcome, replay, with_spooled};
