//! The commands, a file each: arguments resolved, one call, printing.

pub(crate) mod bridge;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod delete;
pub(crate) mod demo;
pub(crate) mod gateway;
pub(crate) mod gc;
pub(crate) mod generate_docs;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod push;
pub(crate) mod run;
pub(crate) mod spool;
