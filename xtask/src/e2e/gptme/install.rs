//! Installs gptme from the Python package registry, in an environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::process::{self, Interrupt};
use crate::workspace;

/// The version that the end-to-end run installs.
pub(crate) const VERSION: &str = "0.35.1";

/// The time limit of pip, which installs some hundred packages.
const INSTALL_WITHIN: Duration = Duration::from_mins(15);

/// A Python module for older versions of gptme. These versions need an encoding of tokens and would download it; the
/// module gives them an encoding of single bytes instead.
const OFFLINE: &str = include_str!("sitecustomize.py");

/// An installed gptme.
pub(crate) struct Gptme {
    pub(crate) version: String,
    /// The folder of the programs of gptme.
    pub(crate) programs: PathBuf,
    /// A folder of Python modules that replace downloads.
    pub(crate) offline: PathBuf,
}

impl Gptme {
    /// Returns the gptme of an earlier run, or installs gptme with the machine's own configuration of pip.
    pub(crate) fn install(version: &str, interrupt: &Interrupt) -> Result<Self> {
        let folder = workspace::target().join("gptme").join(version);
        let gptme = Self {
            version: version.to_owned(),
            programs: folder.join("bin"),
            offline: folder.join("offline"),
        };
        // Written last, so that an interrupted installation is repeated.
        let whole = folder.join("whole");
        if !whole.is_file() {
            fs::remove_dir_all(&folder).ok(); // there may be none
            gptme.install_into(&folder, interrupt)?;
            fs::write(&whole, "")?;
        }
        fs::create_dir_all(&gptme.offline)?;
        fs::write(gptme.offline.join("sitecustomize.py"), OFFLINE)?;
        Ok(gptme)
    }

    fn install_into(&self, folder: &Path, interrupt: &Interrupt) -> Result<()> {
        let mut create = Command::new("python3");
        process::capture(create.args(["-m", "venv"]).arg(folder), INSTALL_WITHIN, interrupt)
            .context("cannot make a virtual environment: this machine needs python3-venv")?;
        // gptme records telemetry only with both extras.
        let package = format!("gptme[telemetry,server]=={}", self.version);
        let mut install = Command::new(self.programs.join("pip"));
        install.args(["install", "--quiet", "--disable-pip-version-check", &package]);
        process::capture(&mut install, INSTALL_WITHIN, interrupt)
            .with_context(|| format!("pip cannot install `{package}`"))?;
        ensure!(self.programs.join("gptme").is_file(), "`{package}` has no program `gptme`");
        Ok(())
    }
}
