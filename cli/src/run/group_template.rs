//! The group of a run: its key, with placeholders for the process ID and the machine.

use std::path::Path;

use prompush_core::GroupingKey;
use rustix::system::uname;

use crate::args::RunArgs;
use crate::error::CliError;
use crate::resolve;

/// The placeholder for the process ID of the command.
const PID: &str = "{pid}";
/// The placeholder for the name of this machine.
const HOST: &str = "{host}";

/// The beginning of a `--group` that sets the instance.
const INSTANCE: &str = "instance=";
/// The job of gptme, unless `--job` is given.
const GPTME_JOB: &str = "gptme";

/// A grouping key in which the process ID of the command is still a placeholder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupTemplate {
    job: String,
    labels: Vec<String>,
}

impl GroupTemplate {
    /// The key from `--job` and `--group`, with defaults for what they leave out.
    ///
    /// By default, each gptme process is an instance of the job `gptme`. For any other command, the job is the file
    /// name of the command, and each machine is an instance.
    ///
    /// # Errors
    /// [`CliError`] if the arguments make no grouping key.
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
            let needs_process_id = is_gptme && !job.contains(PID);
            labels
                .push(format!("{INSTANCE}{host}{}", if needs_process_id { ":{pid}" } else { "" }));
        }
        // The instance is empty if the user left it so, or if the machine has no name. An empty label counts as none.
        labels.retain(|label| label != INSTANCE);
        let template = Self { job: job.replace(HOST, host), labels };
        template.key(1)?;
        Ok(template)
    }

    /// The key for a command with this process ID.
    ///
    /// # Errors
    /// [`CliError`] as for [`new`](Self::new), which has checked the key already.
    pub(crate) fn key(&self, pid: u32) -> Result<GroupingKey, CliError> {
        let pid = pid.to_string();
        let labels: Vec<String> = self.labels.iter().map(|it| it.replace(PID, &pid)).collect();
        resolve::grouping_key(&self.job.replace(PID, &pid), &labels)
    }

    /// Whether the key holds the process ID, so that each run has a group of its own.
    pub(crate) fn has_process_id(&self) -> bool {
        self.job.contains(PID) || self.labels.iter().any(|label| label.contains(PID))
    }

    /// The names of the labels, without `job`.
    pub(crate) fn label_names(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().filter_map(|label| label.split_once('=')).map(|(name, _)| name)
    }
}

/// The job of a command without `--job`: its file name.
fn job_of(command: &[std::ffi::OsString]) -> String {
    let program = command.first().map_or(Path::new(""), Path::new);
    // `/` and the empty string have no file name. They cannot be executed, and that failure is pushed, too.
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
