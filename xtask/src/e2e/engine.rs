//! The container engine. After a run, none of its containers, networks and images is left.

use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::process::{self, Interrupt};

/// The time limit of one command to the engine.
const COMMAND_WITHIN: Duration = Duration::from_mins(2);

/// The label of every container, network and image of a run; the value is the name of the run.
const LABEL: &str = "prompush-e2e";

/// Docker, for one run of the task. Dropping the engine removes everything that the run made: containers, networks,
/// images and files, also those of an interrupted command. So nothing stays after success, failure, a panic, SIGINT or
/// SIGTERM.
pub(super) struct Engine {
    /// The process ID. No other run on this machine has the same ID at the same time.
    run: String,
    interrupt: Interrupt,
    scratch: TempDir,
}

impl Engine {
    /// Finds docker and checks that its engine runs.
    pub(super) fn connect(interrupt: Interrupt) -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("prompush-e2e-").tempdir();
        let scratch = scratch.context("cannot make a temporary folder")?;
        process::find("docker").context("this machine has no `docker`")?;
        let engine = Self { run: std::process::id().to_string(), interrupt, scratch };
        engine.docker(&["info", "--format", "{{.ServerVersion}}"])?;
        Ok(engine)
    }

    /// The interrupt, which every wait checks.
    pub(super) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// A folder for files of this run.
    pub(super) fn scratch(&self) -> &std::path::Path {
        self.scratch.path()
    }

    /// A name that no other run uses.
    pub(super) fn name(&self, what: &str) -> String {
        format!("prompush-e2e-{}-{what}", self.run)
    }

    /// `label=…`, the argument of commands that create something.
    pub(super) fn label(&self) -> String {
        format!("{LABEL}={}", self.run)
    }

    /// Runs one docker command and returns its stdout.
    ///
    /// A signal does not kill the command, because the engine would finish it anyway, and the clean-up would miss what
    /// the command creates. The function checks for a signal before and after the command.
    pub(super) fn docker(&self, arguments: &[&str]) -> Result<String> {
        self.interrupt.check()?;
        let output =
            process::capture(&mut command(arguments), COMMAND_WITHIN, &Interrupt::default());
        self.interrupt.check()?;
        output
    }

    /// Pulls an image from a registry, with `within` as the time limit.
    pub(super) fn pull(&self, reference: &str, within: Duration) -> Result<()> {
        process::capture(&mut command(&["pull", "--quiet", reference]), within, &self.interrupt)?;
        Ok(())
    }

    /// Removes the containers and networks of this run.
    pub(super) fn remove_containers(&self) {
        self.remove(&["ps", "--all", "--quiet"], &["rm", "--force", "--volumes"]);
        self.remove(&["network", "ls", "--quiet"], &["network", "rm"]);
    }

    /// Lists everything with our label and removes it, even after a signal. If the removal fails, prints a warning.
    fn remove(&self, list: &[&str], remove: &[&str]) {
        let unstopped = Interrupt::default();
        let filter = format!("label={}", self.label());
        let docker = |arguments: &[&str]| {
            process::capture(&mut command(arguments), COMMAND_WITHIN, &unstopped)
        };
        let result = docker(&[list, &["--filter", &filter]].concat()).and_then(|found| {
            let mut found: Vec<&str> = found.split_whitespace().collect();
            found.sort_unstable();
            found.dedup();
            if found.is_empty() { Ok(found.concat()) } else { docker(&[remove, &found].concat()) }
        });
        if let Err(error) = result {
            eprintln!("warning: cannot clean up `{filter}`: {error:#}");
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.remove_containers();
        self.remove(&["images", "--quiet"], &["rmi", "--force"]);
    }
}

/// A docker command with a process group of its own. So Ctrl-C in a terminal reaches only this task, which then cleans
/// up.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new("docker");
    command.args(arguments).process_group(0);
    command
}
