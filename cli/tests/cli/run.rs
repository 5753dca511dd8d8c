//! Guards `prompush run`: what it pushes, and that the command does not notice.

mod alerts;
mod gptme;
mod metrics;
mod otlp;
mod served;
mod signals;
mod terminal;
mod transparency;

use std::process::Command;

use crate::support::{program, prompush};

/// `sh -c script`, bare.
fn bare(script: &str) -> Command {
    let mut command = program("sh");
    command.args(["-c", script]);
    command
}

/// `prompush run … -- sh -c script`, pushing to `url`.
fn wrapped(url: &str, options: &[&str], script: &str) -> Command {
    let mut command = prompush(&["run", "--gateway", url]);
    command.args(options).args(["--", "sh", "-c", script]);
    command
}
