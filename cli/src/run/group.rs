//! The group that a run is pushed to.

use std::path::Path;

use prompush_core::GroupingKey;
use rustix::system::uname;

use crate::args::RunArgs;
use crate::error::CliError;
use crate::resolve;

/// Stands for the command's process ID.
const PID: &str = "{pid}";
/// Stands for this machine's name.
const HOST: &str = "{host}";

/// How a `--group` begins that says the instance.
const INSTANCE: &str = "instance=";
/// The job of every gptme.
const GPTME_JOB: &str = "gptme";

/// A grouping key, but for the process ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupTemplate {
    job: String,
    labels: Vec<String>,
}

impl GroupTemplate {
    /// From `--job` and `--group`, and what is meant without them: each gptme is an instance of one job, and what else
    /// is run has an instance a machine.
    ///
    /// # Errors
    /// If it makes no grouping key, whatever the process ID.
    pub(crate) fn new(args: &RunArgs, is_gptme: bool) -> Result<Self, CliError> {
        let host = uname().nodename().to_string_lossy().into_owned();
        Self::on_host(args, is_gptme, &host)
    }

    fn on_host(args: &RunArgs, is_gptme: bool, host: &str) -> Result<Self, CliError> {
        let job = match &args.job {
            Some(job) => job.clone(),
            None if is_gptme => GPTME_JOB.to_owned(),
            None => job_of(&args.command),
        };
        let mut labels: Vec<String> = args.group.iter().map(|it| it.replace(HOST, host)).collect();
        if !labels.iter().any(|label| label.starts_with(INSTANCE)) {
            let is_by_process = is_gptme && !job.contains(PID);
            labels.push(format!("{INSTANCE}{host}{}", if is_by_process { ":{pid}" } else { "" }));
        }
        // Given empty, or on a machine without a name: a gateway takes that as absent.
        labels.retain(|label| label != INSTANCE);
        let template = Self { job: job.replace(HOST, host), labels };
        template.key(1)?;
        Ok(template)
    }

    /// The key of a command with that process ID.
    ///
    /// # Errors
    /// None that [`new`](Self::new) has not found.
    pub(crate) fn key(&self, pid: u32) -> Result<GroupingKey, CliError> {
        let pid = pid.to_string();
        let labels: Vec<String> = self.labels.iter().map(|it| it.replace(PID, &pid)).collect();
        resolve::grouping_key(&self.job.replace(PID, &pid), &labels)
    }

    /// Whether each run has a group of its own.
    pub(crate) fn is_by_process(&self) -> bool {
        self.job.contains(PID) || self.labels.iter().any(|label| label.contains(PID))
    }

    /// The names of its labels, but for the job.
    pub(crate) fn label_names(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().filter_map(|label| label.split_once('=')).map(|(name, _)| name)
    }
}

/// The file name of the command.
fn job_of(command: &[std::ffi::OsString]) -> String {
    let program = command.first().map_or(Path::new(""), Path::new);
    // A directory or nothing has no file name; it cannot be run, and that is to be pushed, too.
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    if name.is_empty() { "run".to_owned() } else { name.into_owned() }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use prompush_gptme::is_gptme;

    use super::*;
    use crate::args::{Cli, Command};

    #[track_caller]
    fn check(arguments: &[&str], expected: &str) {
        let all = ["prompush", "run"].iter().chain(arguments);
        let Command::Run(args) = Cli::try_parse_from(all).unwrap().command else { panic!() };
        let key = GroupTemplate::on_host(&args, is_gptme(&args.command), "box").unwrap();
        assert_eq!(key.key(42).unwrap().to_string(), expected);
    }

    #[test]
    fn jobs_and_instances_have_defaults() {
        check(&["--", "/opt/bin/backup.sh", "-v"], r#"{job="backup.sh",instance="box"}"#);
        check(&["backup.sh", "--job", "x"], r#"{job="backup.sh",instance="box"}"#);
        check(&["--job", "a", "--", "true"], r#"{job="a",instance="box"}"#);
        check(&["--group", "instance=i", "true"], r#"{job="true",instance="i"}"#);
        check(&["--group", "instance=", "true"], r#"{job="true"}"#);
        check(&["--group", "team=a", "true"], r#"{job="true",instance="box",team="a"}"#);
        check(&["--job", "j-{pid}", "true"], r#"{job="j-42",instance="box"}"#);
        check(&["-g", "instance={host}:{pid}", "true"], r#"{job="true",instance="box:42"}"#);
        check(&["gptme", "hi"], r#"{job="gptme",instance="box:42"}"#);
        check(&["--job", "gptme-{pid}", "gptme"], r#"{job="gptme-42",instance="box"}"#);
        check(&["--job", "agent", "python3", "-m", "gptme"], r#"{job="agent",instance="box:42"}"#);
        check(&["-g", "instance=a", "gptme"], r#"{job="gptme",instance="a"}"#);
        check(&["/"], r#"{job="/",instance="box"}"#);
    }
}
