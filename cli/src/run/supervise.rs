//! The supervision of one command: the only part of `run` that knows processes, signals and process groups.
//!
//! The command gets the terminal, the files, the environment, the process group and the signal dispositions of this
//! process. This process blocks every signal ([`signal_queue`]), forwards each signal that was sent to it alone
//! ([`forwarding`], [`group_probe`]), stops when the command stops ([`wait_loop`]), and can end the same way as the
//! command ([`exit`]).
//!
//! The rest of `run` uses [`Supervisor`], [`RunningCommand`], [`CompletedCommand`], [`Exit`] and [`Interruption`];
//! `main` calls [`run_hidden_command`] and [`arguments_before_reexec`] before it parses the command line.

mod supervisor;
mod wait_loop;

mod forwarding;
mod group_probe;
mod inherited_signals;
mod send_signal;
mod signal_queue;

mod exec;
mod hidden_commands;
mod reexec;
mod this_program;

mod exit;
mod resource_usage;

pub(crate) use exit::Exit;
pub(crate) use hidden_commands::run_hidden_command;
pub(crate) use reexec::{arguments_before_reexec, hide_arguments};
pub(crate) use resource_usage::ResourceUsage;
pub(crate) use supervisor::{CompletedCommand, Interruption, RunningCommand, Supervisor};
