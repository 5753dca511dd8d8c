//! The commands and flags of the command line: types only. Nothing here reads the environment or a file.
#![expect(clippy::doc_markdown, reason = "these are help texts, shown as they stand")]
#![expect(clippy::struct_excessive_bools, reason = "a flag of a command line is a bool")]

mod cli;

mod bridge;
mod check;
mod completions;
mod delete;
mod demo;
mod gateway;
mod gc;
mod generate_docs;
mod list;
mod man;
mod push;
mod run;
mod spool;

mod access;
mod body;
mod duration;
mod gateway_url;
mod log_level;

pub(crate) use access::AccessArgs;
pub(crate) use body::{BodyArgs, FormatArg};
pub(crate) use bridge::BridgeArgs;
pub(crate) use check::CheckArgs;
pub(crate) use cli::{Cli, Command, public_command};
pub(crate) use completions::CompletionsArgs;
pub(crate) use delete::DeleteArgs;
pub(crate) use demo::{DemoArgs, DemoWorkerArgs};
pub(crate) use gateway::GatewayArgs;
pub(crate) use gateway_url::GatewayUrlArg;
pub(crate) use gc::GcArgs;
pub(crate) use generate_docs::{DocsPage, GenerateDocsArgs};
pub(crate) use list::ListArgs;
pub(crate) use log_level::LogLevel;
pub(crate) use man::ManArgs;
pub(crate) use push::PushArgs;
pub(crate) use run::RunArgs;
pub(crate) use spool::{
    SpoolArgs, SpoolCommand, SpoolDirArg, SpoolDropArgs, SpoolFlushArgs, SpoolListArgs,
};
