//! Runs other programs. Each program has a time limit, and a signal to this task ends the program too.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use signal_hook::consts::{SIGINT, SIGTERM};

/// The pause between two checks of a running program.
const PAUSE: Duration = Duration::from_millis(20);

/// The time limit of a program that shares our output: a build or the tests, on a slow machine.
const RUN_TIME_MAX: Duration = Duration::from_hours(1);

/// The time limit of the command that sends a signal.
const SIGNAL_TIME_MAX: Duration = Duration::from_secs(10);

/// The error after SIGINT or SIGTERM. When functions return this error, guards are dropped and clean up. The exit code
/// shows the signal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interrupted(usize);

impl Interrupted {
    /// 130 for SIGINT, 143 for SIGTERM, as a shell reports them.
    pub(crate) fn exit_code(self) -> u8 {
        u8::try_from(128 + self.0).unwrap_or(u8::MAX)
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "interrupted by signal {}", self.0)
    }
}

impl std::error::Error for Interrupted {}

/// Makes every function that waits return an error after SIGINT or SIGTERM, so that guards are dropped and clean up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Handles both signals for the rest of the process.
    pub(crate) fn on_signals() -> Result<Self> {
        let interrupt = Self::default();
        for signal in [SIGINT, SIGTERM] {
            let number = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&interrupt.0), number)
                .context("cannot listen to signals")?;
        }
        Ok(interrupt)
    }

    /// Fails after a signal. `Relaxed` is enough, because the signal's number is the only data that the signal handler
    /// passes.
    pub(crate) fn check(&self) -> Result<()> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(Interrupted(signal).into()),
        }
    }

    /// Repeats `condition` until it returns a value.
    ///
    /// # Errors
    ///
    /// After a signal, when `condition` fails, and when `within` has passed. The error about `within` names `what`.
    pub(crate) fn wait_for<T>(
        &self,
        within: Duration,
        what: &str,
        mut condition: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let deadline = now() + within;
        loop {
            self.check()?;
            if let Some(value) = condition()? {
                return Ok(value);
            }
            ensure!(now() < deadline, "waited {within:?} for {what}, which did not happen");
            sleep(PAUSE);
        }
    }
}

/// Runs a program that shares our output and has no stdin. A signal ends the program.
///
/// # Errors
///
/// When the program cannot start or fails, and after a signal.
pub(crate) fn run(command: &mut Command, interrupt: &Interrupt) -> Result<()> {
    let line = shown(command);
    let child =
        command.stdin(Stdio::null()).spawn().with_context(|| format!("cannot start `{line}`"))?;
    let status = wait(child, &line, RUN_TIME_MAX, interrupt)?;
    ensure!(status.success(), "`{line}` failed: {status}");
    Ok(())
}

/// The exit status and the output of a program that ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a program to its end and returns its output, whatever its exit status. The program is killed when `within` has
/// passed, and after a signal.
///
/// # Errors
///
/// When the program cannot start or is killed.
pub(crate) fn finish(
    command: &mut Command,
    stdin: &[u8],
    within: Duration,
    interrupt: &Interrupt,
) -> Result<Finished> {
    interrupt.check()?;
    let line = shown(command);
    // Files rather than pipes: nobody has to empty a file, and a grandchild that keeps a file open delays nobody.
    let (mut input, mut stdout, mut stderr) = (scratch()?, scratch()?, scratch()?);
    input.write_all(stdin)?;
    input.seek(SeekFrom::Start(0))?;
    let child = command
        .stdin(input)
        .stdout(stdout.try_clone()?)
        .stderr(stderr.try_clone()?)
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    let status = wait(child, &line, within, interrupt)?;
    Ok(Finished { status, stdout: text_of(&mut stdout)?, stderr: text_of(&mut stderr)? })
}

/// Waits for the end of a program; kills it when `within` has passed, and after a signal.
fn wait(
    mut child: Child,
    line: &str,
    within: Duration,
    interrupt: &Interrupt,
) -> Result<ExitStatus> {
    let ended = interrupt.wait_for(within, &format!("`{line}` to end"), || Ok(child.try_wait()?));
    if ended.is_err() {
        child.kill().ok(); // it may have ended just now
        child.wait().ok();
    }
    ended
}

/// Runs a program and returns its stdout without the white space around it.
///
/// # Errors
///
/// As [`finish`], and when the program fails: the error has its stderr.
pub(crate) fn capture(
    command: &mut Command,
    within: Duration,
    interrupt: &Interrupt,
) -> Result<String> {
    let finished = finish(command, &[], within, interrupt)?;
    if !finished.status.success() {
        bail!("`{}` failed: {}: {}", shown(command), finished.status, finished.stderr.trim());
    }
    Ok(finished.stdout.trim().to_owned())
}

/// The program and the arguments of a command, as a shell reads them. The environment variables of the command are
/// left out.
pub(crate) fn shown_words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(|word| quoted(&word.to_string_lossy())).collect();
    words.join(" ")
}

/// The path of a program on the `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = crate::workspace::variable("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// A command as a user would type it: with the environment variables of the command, and the program without its
/// folder.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(command.get_program()).to_string_lossy();
    let variables = command.get_envs().filter_map(|(name, value)| {
        let (name, value) = (name.to_string_lossy(), value?.to_string_lossy());
        Some(format!("{name}={}", quoted(&value)))
    });
    let arguments = command.get_args().map(|argument| quoted(&argument.to_string_lossy()));
    let words: Vec<String> = variables.chain([program.into_owned()]).chain(arguments).collect();
    words.join(" ")
}

/// Sends a signal to a process with the `kill` of the shell, which every machine has.
pub(crate) fn signal(process: u32, name: &str) -> Result<()> {
    let mut kill = Command::new("sh");
    kill.args(["-c", &format!("kill -{name} {process}")]);
    capture(&mut kill, SIGNAL_TIME_MAX, &Interrupt::default()).map(|_| ())
}

fn quoted(word: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_=./:,@%+".contains(character);
    if word.chars().all(plain) && !word.is_empty() {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn scratch() -> Result<File> {
    tempfile::tempfile().context("cannot make a temporary file")
}

fn text_of(file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[expect(clippy::disallowed_methods, reason = "what is bounded here runs in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that sleeps: between two looks at another program"
)]
fn sleep(pause: Duration) {
    std::thread::sleep(pause);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/usr/bin/cargo");
        command.env("RUSTDOCFLAGS", "-D warnings").args(["doc", "--no-deps", "it's"]);
        assert_eq!(shown(&command), r"RUSTDOCFLAGS='-D warnings' cargo doc --no-deps 'it'\''s'");
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let mut command = Command::new("sleep");
        let result =
            finish(command.arg("600"), &[], Duration::from_millis(20), &Interrupt::default());
        assert!(result.expect_err("it ran too long").to_string().contains("`sleep 600`"));
    }

    #[test]
    fn what_a_program_reads_and_writes_is_passed_on() {
        let interrupt = Interrupt::default();
        let finished =
            finish(&mut Command::new("cat"), b"m 1\n", Duration::from_secs(20), &interrupt);
        assert_eq!(finished.expect("cat runs").stdout, "m 1\n");
    }

    #[test]
    fn a_signal_stops_whatever_waits() {
        let interrupt = Interrupt::default();
        interrupt.0.store(15, Ordering::Relaxed);
        let result = interrupt.wait_for(Duration::from_mins(10), "nothing", || Ok(None::<()>));
        let error = result.expect_err("interrupted");
        assert_eq!(
            error.downcast_ref::<Interrupted>().map(|interrupted| interrupted.exit_code()),
            Some(143)
        );
    }
}
