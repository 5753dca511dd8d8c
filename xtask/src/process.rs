//! Running other programs, never longer than they are given, and stopping when the user says so.

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

/// The pause between two looks at a program that runs.
const PAUSE: Duration = Duration::from_millis(20);

/// How long a program may take whose output is ours: builds and tests, on a slow machine.
const RUN_WITHIN: Duration = Duration::from_hours(1);

/// How long sending a signal may take.
const SIGNALLED_WITHIN: Duration = Duration::from_secs(10);

/// SIGINT or SIGTERM came: everything is to be torn down, and the exit code says so.
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

/// Turns SIGINT and SIGTERM into an error of whatever waits, so that guards are dropped on the way out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Takes both signals over for the rest of the process.
    pub(crate) fn on_signals() -> Result<Self> {
        let interrupt = Self::default();
        for signal in [SIGINT, SIGTERM] {
            let number = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&interrupt.0), number)
                .context("cannot listen to signals")?;
        }
        Ok(interrupt)
    }

    /// Fails once a signal has come. Relaxed: nothing else is read on the strength of it.
    pub(crate) fn check(&self) -> Result<()> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(Interrupted(signal).into()),
        }
    }

    /// Looks again and again until `condition` gives a value; `what` names it when `within` has passed.
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
            ensure!(now() < deadline, "waited {within:?} in vain for {what}");
            sleep(PAUSE);
        }
    }
}

/// Runs a program with our own output and stdin closed; fails when it does, and ends it when a signal comes.
pub(crate) fn run(command: &mut Command, interrupt: &Interrupt) -> Result<()> {
    let line = shown(command);
    let child =
        command.stdin(Stdio::null()).spawn().with_context(|| format!("cannot start `{line}`"))?;
    let status = wait(child, &line, RUN_WITHIN, interrupt)?;
    ensure!(status.success(), "`{line}` failed: {status}");
    Ok(())
}

/// What a program that ended wrote.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a program to its end, however it ends; kills it when `within` passes or a signal comes.
pub(crate) fn finish(
    command: &mut Command,
    stdin: &[u8],
    within: Duration,
    interrupt: &Interrupt,
) -> Result<Finished> {
    interrupt.check()?;
    let line = shown(command);
    // Files rather than pipes: nobody has to empty them, and a grandchild that keeps one open holds nobody up.
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

/// Waits for the end of a program, and brings it about when `within` passes or a signal comes.
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

/// Runs a program and gives its stdout without the white space around it; fails when it does, with its stderr.
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

/// A command as a shell takes it, without its variables.
pub(crate) fn shown_words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(|word| quoted(&word.to_string_lossy())).collect();
    words.join(" ")
}

/// A program on the `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = crate::workspace::variable("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// A command as one would type it: the program without its folder, the variables that were set for it first.
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

/// Sends a signal to a process, by the shell's own `kill`: every machine has that one.
pub(crate) fn signal(process: u32, name: &str) -> Result<()> {
    let mut kill = Command::new("sh");
    kill.args(["-c", &format!("kill -{name} {process}")]);
    capture(&mut kill, SIGNALLED_WITHIN, &Interrupt::default()).map(|_| ())
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
