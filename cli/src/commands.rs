//! The commands, one file each. A command resolves its arguments, makes one call, and prints the result.

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
