//! The environment of gptme: a model that counts, a gateway, and a Prometheus that scrapes the gateway, all on
//! loopback.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use prompush_testing::{ModelServer, Prometheus, Pushgateway, Version};
use tempfile::TempDir;

use super::install::Gptme;
use crate::process::{self, Interrupt};

/// The time limit of one gptme on a machine that runs ten gptme at once.
pub(super) const RUN_WITHIN: Duration = Duration::from_mins(4);

/// The time that a program gets to end when the scenario is torn down.
const TORN_DOWN_WITHIN: Duration = Duration::from_secs(10);

/// The number of lines of a program's output that an error shows.
const LINES_SHOWN: usize = 15;

/// An address where nothing listens, so that a request to the outside fails at once.
const NOWHERE: &str = "http://127.0.0.1:9";

/// The running servers, and the programs that run against them.
pub(super) struct Environment {
    pub(super) gptme: Gptme,
    pub(super) prompush: PathBuf,
    pub(super) model: ModelServer,
    pub(super) gateway: Pushgateway,
    pub(super) prometheus: Prometheus,
    pub(super) interrupt: Interrupt,
    pub(super) folder: TempDir,
}

impl Environment {
    /// Starts the servers.
    pub(super) fn start(gptme: Gptme, prompush: &Path, interrupt: &Interrupt) -> Result<Self> {
        let gateway = Pushgateway::start(Version::Sid)
            .context("this machine has no Pushgateway for tests")?;
        let interval = Duration::from_secs(1);
        let prometheus = Prometheus::start(&[gateway.address()], interval);
        let prometheus = prometheus.context("this machine has no Prometheus for tests")?;
        let folder = tempfile::Builder::new().prefix("prompush-gptme-").tempdir()?;
        Ok(Self {
            gptme,
            prompush: prompush.to_owned(),
            model: ModelServer::start(),
            gateway,
            prometheus,
            interrupt: interrupt.clone(),
            folder,
        })
    }

    /// A command with the environment of a gptme user. The command inherits only `PATH` from the environment of this
    /// task.
    pub(super) fn command(&self, program: &str) -> Result<Command> {
        let home = self.folder.path().join("home");
        fs::create_dir_all(&home)?;
        let own = self.prompush.parent().context("`prompush` is in no folder")?;
        let outer = crate::workspace::variable("PATH").unwrap_or_default();
        let path = format!("{}:{}:{outer}", self.gptme.programs.display(), own.display());
        let mut command = Command::new("env");
        // This task may ignore signals, as `nohup` makes it do, and its children would inherit that.
        command.args(["--default-signal=HUP,INT,TERM", program]);
        command.env_clear().current_dir(&home).stdin(Stdio::null());
        command.env("PATH", path).env("HOME", &home).env("LANG", "C.UTF-8");
        command.env("OPENAI_BASE_URL", self.model.base_url()).env("OPENAI_API_KEY", "none");
        command.env("HTTPS_PROXY", NOWHERE).env("HTTP_PROXY", NOWHERE);
        command.env("NO_PROXY", "127.0.0.1,localhost");
        command.env("GPTME_NO_LOCAL_DISCOVERY", "1").env("GPTME_TELEMETRY_ENABLED", "true");
        // gptme then counts tokens by letters rather than download an encoding. Older versions do not have
        // this setting.
        command.env("GPTME_TIKTOKEN_TIMEOUT", "0");
        if self.gptme.version != super::install::VERSION {
            command.env("PYTHONPATH", &self.gptme.offline);
        }
        command.env("PUSHGATEWAY_URL", self.gateway.url());
        Ok(command)
    }

    /// The arguments of a gptme that uses the model with the name `model`.
    pub(super) fn gptme_arguments(&self, model: &str, prompt: &str) -> Vec<String> {
        let tools =
            if self.gptme.version.starts_with("0.28.") { "shell" } else { "shell,complete" };
        let words = ["gptme", "--non-interactive", "--model", model, "--tools", tools, prompt];
        words.map(str::to_owned).to_vec()
    }

    /// Starts a program. The output of the program goes to a file with the name `name`.
    pub(super) fn spawn(&self, mut command: Command, name: &str) -> Result<Running> {
        let log = self.folder.path().join(format!("{name}.log"));
        let output = File::create(&log)?;
        command.stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Running { child, name: name.to_owned(), log, interrupt: self.interrupt.clone() })
    }
}

/// A program of the scenario. Dropping it ends the program.
pub(super) struct Running {
    child: Child,
    pub(super) name: String,
    log: PathBuf,
    interrupt: Interrupt,
}

impl Running {
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The output so far.
    pub(super) fn output(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Whether the program still runs.
    pub(super) fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Waits until the program ends.
    pub(super) fn wait(&mut self) -> Result<ExitStatus> {
        let what = format!("the end of {}", self.name);
        let ended = self.interrupt.wait_for(RUN_WITHIN, &what, || Ok(self.child.try_wait()?));
        ended.with_context(|| self.end_of_output())
    }

    /// Waits as [`wait`](Self::wait) does, and returns an error if the program has failed.
    pub(super) fn succeed(&mut self) -> Result<()> {
        let status = self.wait()?;
        ensure!(status.success(), "{} ended with {status}: {}", self.name, self.end_of_output());
        Ok(())
    }

    fn end_of_output(&self) -> String {
        let output = self.output();
        let lines: Vec<&str> = output.lines().collect();
        let (_, last) = lines.split_at(lines.len().saturating_sub(LINES_SHOWN));
        format!("it wrote, at the end:\n  {}", last.join("\n  "))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // SIGTERM first: a wrapper that is killed leaves its command behind.
        process::signal(self.child.id(), "TERM").ok();
        let ended = Interrupt::default()
            .wait_for(TORN_DOWN_WITHIN, "its end", || Ok(self.child.try_wait()?));
        if ended.is_err() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}
