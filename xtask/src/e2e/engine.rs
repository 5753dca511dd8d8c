//! The container engine, and the promise that nothing of ours stays in it.

use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::process::{self, Interrupt};

/// How long one command to the engine may take.
const COMMAND_WITHIN: Duration = Duration::from_mins(2);

/// Every container, network and image of a run carries this label, with the run's name as its value.
const LABEL: &str = "prompush-e2e";

/// Docker, as one run of the task uses it. Dropping it removes all that the run made: containers, networks, images
/// and files, also those of a command that was cut off halfway, on success, failure, panic, SIGINT and SIGTERM.
pub(super) struct Engine {
    /// The process id, which no other run on this machine has at the same time.
    run: String,
    interrupt: Interrupt,
    scratch: TempDir,
}

impl Engine {
    /// Finds docker and asks whether its engine runs.
    pub(super) fn connect(interrupt: Interrupt) -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("prompush-e2e-").tempdir();
        let scratch = scratch.context("cannot make a temporary folder")?;
        process::find("docker").context("this machine has no `docker`")?;
        let engine = Self { run: std::process::id().to_string(), interrupt, scratch };
        engine.docker(&["info", "--format", "{{.ServerVersion}}"])?;
        Ok(engine)
    }

    /// What stops whoever waits when a signal comes.
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

    /// `label=…`, as commands that make something take it.
    pub(super) fn label(&self) -> String {
        format!("{LABEL}={}", self.run)
    }

    /// Runs one docker command and gives what it printed.
    ///
    /// A signal does not cut it off: the engine would go on with it, and what it makes would be missed when cleaning
    /// up. It is looked at before and after.
    pub(super) fn docker(&self, arguments: &[&str]) -> Result<String> {
        self.interrupt.check()?;
        let output =
            process::capture(&mut command(arguments), COMMAND_WITHIN, &Interrupt::default());
        self.interrupt.check()?;
        output
    }

    /// Gets an image from a registry, for no longer than `within`.
    pub(super) fn pull(&self, reference: &str, within: Duration) -> Result<()> {
        process::capture(&mut command(&["pull", "--quiet", reference]), within, &self.interrupt)?;
        Ok(())
    }

    /// Removes the containers and networks of this run.
    pub(super) fn remove_containers(&self) {
        self.remove(&["ps", "--all", "--quiet"], &["rm", "--force", "--volumes"]);
        self.remove(&["network", "ls", "--quiet"], &["network", "rm"]);
    }

    /// Lists what carries our label and removes it, signals or not; what cannot be removed is named.
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

/// In a process group of its own: Ctrl-C in a terminal reaches this task alone, which then cleans up.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new("docker");
    command.args(arguments).process_group(0);
    command
}
