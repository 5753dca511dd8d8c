//! The sequence of a run: prepare, start the command, push while it runs, push when it has ended.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use prompush_core::clock::{Clock as _, SystemClock};
use prompush_core::{Exposition, GroupingKey};

use crate::args::RunArgs;
use crate::body::input::Input;
use crate::environment;
use crate::error::CliError;
use crate::output::error_text::one_line;
use crate::output::terminal::{print_message, print_warning};
use crate::run::destination::Destination;
use crate::run::group_template::GroupTemplate;
use crate::run::heartbeat::Heartbeat;
use crate::run::job_metrics::JobStart;
use crate::run::reporter::{LastPush, Reporter};
use crate::run::supervise::{CompletedCommand, Exit, Interruption, RunningCommand, Supervisor};
use crate::run::telemetry::{
    CollectedTelemetry, CommandKind, TelemetryCollector, TelemetrySettings,
};
use crate::run::textfile::Textfile;
use crate::run::textfile_check::{self, TextfileError};

/// TTL of the group of one gptme process, unless `--ttl` is given. Prometheus can be down for almost as long and still
/// scrape the last values.
const GPTME_TTL: Duration = Duration::from_hours(1);
/// The receiver of OTLP gets this part (a third) of the deadline for exports that are still on their way.
const TELEMETRY_SHARE: u32 = 3;

/// One run of a command.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) args: &'a RunArgs,
    pub(crate) is_gptme: bool,
    pub(crate) group: GroupTemplate,
    pub(crate) supervisor: &'a Supervisor,
}

impl Job<'_> {
    /// Runs the command and pushes to `destination`. Without a destination, only runs the command.
    ///
    /// # Errors
    /// [`CliError`] if the command cannot be started or waited for. A push that fails is no error: a warning is
    /// printed.
    pub(crate) fn run(self, destination: Option<Destination>) -> Result<Exit, CliError> {
        let textfile = Textfile::prepare(self.textfile_path().as_deref());
        let mut telemetry = destination.as_ref().and_then(|_| self.start_telemetry());
        let variables = variables(textfile.as_ref(), telemetry.as_ref());
        let command = self.supervisor.spawn(&self.args.command, &variables)?;

        let process_id = command.process_id();
        let key = self.group.key(process_id)?;
        if let Some(telemetry) = &mut telemetry {
            telemetry.start_scraping(process_id);
            self.print_destination(destination.as_ref(), telemetry, &key);
        }
        let start = JobStart { at: command.started_at(), every: self.args.every, ttl: self.ttl() };
        let reporter = destination.and_then(|destination| self.start_reporter(destination, key));
        if let Some(reporter) = &reporter {
            reporter.push_start(&start.running(), self.group.has_process_id());
        }
        let heartbeat = reporter.as_ref().map(|reporter| Heartbeat {
            start: &start,
            reporter,
            telemetry: telemetry.as_ref(),
        });
        let completed = wait_and_push(command, heartbeat)?;
        if let Some(reporter) = reporter {
            self.finish(&reporter, &start, completed, textfile, telemetry);
        }
        Ok(completed.exit)
    }

    /// The TTL of the group: `--ttl`, else the one for gptme, else none.
    fn ttl(&self) -> Option<Duration> {
        let ttl = self.args.ttl.or(self.is_gptme.then_some(GPTME_TTL));
        ttl.filter(|ttl| !ttl.is_zero())
    }

    /// Starts to collect the metrics that the command exports or serves, if they are wanted.
    fn start_telemetry(&self) -> Option<TelemetryCollector> {
        let kind = if self.is_gptme { CommandKind::Gptme } else { CommandKind::Other };
        if self.args.no_otlp || !(self.is_gptme || self.args.otlp) {
            return None;
        }
        let settings = TelemetrySettings::read(kind, |name| std::env::var_os(name));
        let settings = settings.inspect_err(|error| self.warn(&error.to_string())).ok()?;
        // A user who has turned telemetry off must ask for it with `--otlp`.
        if settings.is_turned_off && !self.args.otlp {
            return None;
        }
        let telemetry = TelemetryCollector::start(settings, self.group.label_names());
        telemetry.inspect_err(|error| self.warn(&one_line(error))).ok()
    }

    /// Prints where the metrics and the traces of the command go.
    fn print_destination(
        &self,
        destination: Option<&Destination>,
        telemetry: &TelemetryCollector,
        key: &GroupingKey,
    ) {
        if let (Some(destination), false) = (destination, self.args.quiet) {
            let (gateway, traces) = (&destination.redacted_url, telemetry.traces_text());
            print_message(&format!("prompush: its metrics go to {gateway} as {key}, {traces}"));
        }
    }

    /// The file that the user chose for the metrics of the command, with the flag or the variable.
    fn textfile_path(&self) -> Option<PathBuf> {
        let variable = || std::env::var_os(environment::TEXTFILE).filter(|path| !path.is_empty());
        self.args.textfile.clone().or_else(|| variable().map(PathBuf::from))
    }

    fn start_reporter(&self, destination: Destination, key: GroupingKey) -> Option<Reporter> {
        let reporter = Reporter::start(destination, key);
        reporter.inspect_err(|error| self.warn(&error.to_string())).ok()
    }

    /// Makes the last push, forwards the last traces, and warns if the push failed.
    fn finish(
        &self,
        reporter: &Reporter,
        start: &JobStart,
        completed: CompletedCommand,
        textfile: Option<Textfile>,
        telemetry: Option<TelemetryCollector>,
    ) {
        let deadline = SystemClock.deadline(self.args.deadline);
        let interruption = self.supervisor.watch_for_interruption();
        let collected = telemetry.map(|it| it.finish(self.args.deadline / TELEMETRY_SHARE));
        let inputs = textfile.map_or_else(|| Ok(Vec::new()), |textfile| textfile.read());
        let last_push =
            LastPushOfJob { job: self, reporter, start, completed, deadline, interruption };
        let result = last_push.run(&inputs, collected.as_ref());
        if let Some(collected) = collected {
            let is_interrupted = matches!(result, LastPush::Interrupted);
            let timeout = if is_interrupted { Duration::ZERO } else { time_left(deadline) };
            collected.finish_traces(timeout, interruption);
        }
        let why = match &result {
            LastPush::Acknowledged => return,
            LastPush::Refused(why) | LastPush::Failed(why) => why,
            LastPush::Interrupted => "interrupted by a signal",
        };
        self.warn(&format!("the last push failed: {why}"));
    }

    /// Prints a warning, unless `--quiet` is given.
    fn warn(&self, message: &str) {
        if !self.args.quiet {
            print_warning(message);
        }
    }
}

/// The inputs of the last push of a job.
struct LastPushOfJob<'a> {
    job: &'a Job<'a>,
    reporter: &'a Reporter,
    start: &'a JobStart,
    completed: CompletedCommand,
    deadline: Instant,
    interruption: Interruption<'a>,
}

impl LastPushOfJob<'_> {
    /// Pushes the metrics of the job together with those of the textfile and of telemetry. If the gateway refuses them
    /// together, pushes the metrics of the job alone.
    fn run(
        &self,
        inputs: &Result<Vec<Input>, CliError>,
        collected: Option<&CollectedTelemetry>,
    ) -> LastPush {
        let checked = match inputs {
            Ok(inputs) => {
                textfile_check::check(inputs, self.reporter.key(), self.start.ttl.is_some())
            }
            Err(error) => Err(TextfileError::Unreadable(error.to_string())),
        };
        let mut has_textfile_error = false;
        let written = checked.unwrap_or_else(|error| {
            has_textfile_error = true;
            if !self.job.args.quiet {
                error.print(inputs.as_deref().unwrap_or_default());
            }
            Exposition::default()
        });
        let collected: Vec<&CollectedTelemetry> = collected.into_iter().collect();
        let job_metrics = self.start.ended(&self.completed, has_textfile_error);
        let result = match self.reporter.add(&(job_metrics, &written, &collected)) {
            Ok(()) => self.wait(),
            // Two of the sources have a family of the same name.
            Err(error) => LastPush::Refused(one_line(&error)),
        };
        let has_job_metrics_only = written.families.is_empty() && collected.is_empty();
        let LastPush::Refused(why) = &result else { return result };
        if has_job_metrics_only {
            return result;
        }
        self.job.warn(&format!("only the job's metrics are pushed: {why}"));
        has_textfile_error |= !written.families.is_empty();
        match self.reporter.add(&self.start.ended(&self.completed, has_textfile_error)) {
            Ok(()) => self.wait(),
            Err(error) => LastPush::Failed(one_line(&error)),
        }
    }

    fn wait(&self) -> LastPush {
        self.reporter.finish(time_left(self.deadline), self.interruption)
    }
}

/// Waits for the command. Meanwhile, pushes on another thread what changes.
fn wait_and_push(
    command: RunningCommand<'_>,
    heartbeat: Option<Heartbeat<'_>>,
) -> Result<CompletedCommand, CliError> {
    let interval = heartbeat.as_ref().and_then(Heartbeat::interval);
    let Some((heartbeat, interval)) = heartbeat.zip(interval) else {
        return command.wait();
    };
    let (end, ended) = channel::<()>();
    thread::scope(|scope| {
        let push = move || heartbeat.push_until(&ended, interval);
        let thread = thread::Builder::new().name("heartbeat".to_owned());
        let thread = thread.spawn_scoped(scope, push);
        thread.map_err(|error| CliError::System("start a thread", error))?;
        let completed = command.wait();
        drop(end); // the heartbeat ends
        completed
    })
}

/// The variables that the command gets in addition to the environment of this process.
fn variables(
    textfile: Option<&Textfile>,
    telemetry: Option<&TelemetryCollector>,
) -> Vec<(&'static str, OsString)> {
    let textfile = textfile.map(|textfile| (environment::TEXTFILE, textfile.path().into()));
    let telemetry = telemetry.into_iter().flat_map(TelemetryCollector::variables);
    let telemetry = telemetry.map(|(name, value)| (name, OsString::from(value)));
    textfile.into_iter().chain(telemetry).collect()
}

fn time_left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(SystemClock.now())
}
