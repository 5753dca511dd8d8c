//! `prompush run`: runs a command as it would run without, and pushes how it went.
//!
//! The command gets this process's terminal, files, environment, process group and signal dispositions. This process
//! blocks every signal, passes on what was sent to it alone ([`relay`]), stops when the command stops
//! ([`supervise`]), and ends as it ends ([`ending`]). All that is pushed is pushed by another thread ([`report`]).

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, ExitCode};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use log::LevelFilter;
use prompush::Gateway;
use prompush_core::{Exposition, GroupingKey};
use prompush_gptme::is_gptme;
use rustix::process::Pid;

use crate::args::{GatewayUrlArg, LogLevel, RunArgs};
use crate::body::input::Input;
use crate::environment;
use crate::error::CliError;
use crate::output::logger;
use crate::output::terminal::{print_message, print_warning};
use crate::resolve;
use crate::run::ending::Ending;
use crate::run::group::GroupTemplate;
use crate::run::heartbeat::Heartbeat;
use crate::run::inherited::Inherited;
use crate::run::job_metrics::{JobEnd, JobStart};
use crate::run::own_metrics::Refused;
use crate::run::report::{Outcome, Reporter, Target, in_one_line, now};
use crate::run::signals::{Received, Signals};
use crate::run::supervise::Supervised;
use crate::run::telemetry::{Collected, Kind, Settings, Telemetry};
use crate::run::textfile::Textfile;
use crate::run::usage::UsageSoFar;
use crate::run::witness::Witness;
use crate::run::{command, hiding, inherited, own_metrics, signals};

/// How long the group of one gptme is good for: long enough for Prometheus to have been away for a while.
const GPTME_TTL: Duration = Duration::from_hours(1);
/// The part of the deadline in which what the command exported last may still come in.
const TELEMETRY_SHARE: u32 = 3;

/// Runs the command; gives its exit code, or ends this process by the signal that ended it.
///
/// # Errors
/// If the command line is wrong: then nothing is run.
pub(crate) fn run(args: &RunArgs) -> Result<ExitCode, CliError> {
    let is_gptme = is_gptme(&args.command);
    if is_gptme {
        hiding::hide(&args.command);
    }
    let group = GroupTemplate::new(args, is_gptme)?;
    let target = target(args)?;
    let inherited = Inherited::read();
    inherited::wait_for_children();
    let signals = Signals::block()?;
    let ending = Run { args, is_gptme, group, target, inherited, signals }.play()?;
    // Nothing is left to be dropped: a signal may end this process here.
    Ok(ending.take())
}

/// Where to push; nowhere, after a word about it, if the environment names a gateway that cannot be used. A command is
/// not to fail for what somebody has set elsewhere.
fn target(args: &RunArgs) -> Result<Option<Target>, CliError> {
    let timeout = args.deadline.max(Duration::from_millis(1));
    let asked = GatewayUrlArg { url: args.url.clone(), timeout, access: args.access.clone() };
    let level = if args.quiet { LogLevel::Error } else { LogLevel::Warn };
    logger::init(level);
    let found = resolve::gateway_options(&asked).and_then(|target| {
        let gateway = Gateway::with_config(&target.url, target.config.clone());
        let shown = gateway.map_err(|error| target.explain(error))?.url().to_string();
        let spool = resolve::spool_dir(&args.spool)?;
        Ok(Target { url: target.url, shown, config: target.config, spool })
    });
    // From now on the terminal is the command's.
    log::set_max_level(LevelFilter::Off);
    match found {
        Ok(target) => Ok(Some(target)),
        Err(error) if error.is_of_the_environment() => {
            if !args.quiet {
                print_warning(&format!("nothing will be pushed: {}", in_one_line(&error)));
            }
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Everything about one run.
struct Run<'a> {
    args: &'a RunArgs,
    is_gptme: bool,
    group: GroupTemplate,
    target: Option<Target>,
    inherited: Inherited,
    signals: Signals,
}

impl Run<'_> {
    fn play(mut self) -> Result<Ending, CliError> {
        let textfile = Textfile::prepare(self.given_textfile().as_deref());
        let mut telemetry = self.telemetry();
        let mut variables: Vec<(&str, OsString)> = Vec::new();
        if let Some(textfile) = &textfile {
            variables.push((environment::TEXTFILE, textfile.path().into()));
        }
        let of_telemetry = telemetry.iter().flat_map(Telemetry::variables);
        variables.extend(of_telemetry.map(|(name, value)| (name, value.into())));

        let early = self.signals.drain();
        let before = UsageSoFar::read();
        let start = JobStart { at: wall(), every: self.args.every, ttl: self.ttl() };
        let started = now();
        let child = command::spawn(&self.args.command, &variables, self.inherited)?;
        command::release_stdio().ok(); // a reader then sees its end a little later
        let mut witness = Witness::start();

        let key = self.group.key(child.id())?;
        if let Some(telemetry) = &mut telemetry {
            telemetry.read_what_is_served(child.id());
            self.introduce(telemetry, &key);
        }
        let reporter = self.reporter(&key);
        if let Some(reporter) = &reporter {
            reporter.start_with(&start.running(), self.group.is_by_process());
        }
        let heartbeat = reporter.as_ref().map(|reporter| Heartbeat {
            start: &start,
            reporter,
            telemetry: telemetry.as_ref(),
        });
        let ending = self.while_it_runs(&child, &early, &mut witness, heartbeat)?;
        let usage = UsageSoFar::read().since(&before);
        drop(witness);
        let duration = now().saturating_duration_since(started);
        let end = JobEnd { at: wall(), duration, ending, usage, is_textfile_bad: false };
        if let Some(reporter) = reporter {
            let until = now() + self.args.deadline;
            // What has come until now came with the command's end. What comes from now on cuts the rest short.
            self.signals.drain();
            signals::allow_stops();
            let collected = telemetry.map(|it| it.end(self.args.deadline / TELEMETRY_SHARE));
            let own = textfile.map_or_else(|| Ok(Vec::new()), |textfile| textfile.read());
            let outcome = self.last_push(&reporter, &start, end, &own, collected.as_ref(), until);
            if let Some(collected) = collected {
                let is_cut = matches!(outcome, Outcome::Interrupted);
                let left = if is_cut { Duration::ZERO } else { left(until) };
                collected.end_traces(left, &self.signals);
            }
            self.tell(&outcome);
        }
        Ok(ending)
    }

    fn ttl(&self) -> Option<Duration> {
        let given = self.args.ttl.or(self.is_gptme.then_some(GPTME_TTL));
        given.filter(|ttl| !ttl.is_zero())
    }

    /// What takes the metrics that the command exports or serves, if they are wanted.
    fn telemetry(&self) -> Option<Telemetry> {
        self.target.as_ref()?;
        let kind = if self.is_gptme { Kind::Gptme } else { Kind::Other };
        if self.args.no_otlp || !(self.is_gptme || self.args.otlp) {
            return None;
        }
        let settings = Settings::read(kind, |name| std::env::var_os(name));
        let settings = settings.inspect_err(|error| self.complain(&error.to_string())).ok()?;
        // Who has turned it off has to ask for it.
        if settings.is_turned_off && !self.args.otlp {
            return None;
        }
        let telemetry = Telemetry::start(settings, self.group.label_names());
        telemetry.inspect_err(|error| self.complain(&in_one_line(error))).ok()
    }

    /// Says what becomes of what the command exports.
    fn introduce(&self, telemetry: &Telemetry, key: &GroupingKey) {
        if let (Some(target), false) = (&self.target, self.args.quiet) {
            let (gateway, traces) = (&target.shown, telemetry.traces());
            print_message(&format!("prompush: its metrics go to {gateway} as {key}, {traces}"));
        }
    }

    fn given_textfile(&self) -> Option<PathBuf> {
        let set = || std::env::var_os(environment::TEXTFILE).filter(|path| !path.is_empty());
        self.args.textfile.clone().or_else(|| set().map(PathBuf::from))
    }

    fn reporter(&mut self, key: &GroupingKey) -> Option<Reporter> {
        let reporter = Reporter::start(self.target.take()?, key.clone());
        reporter.inspect_err(|error| self.complain(&error.to_string())).ok()
    }

    /// Waits for the command, and pushes meanwhile what is to be pushed.
    fn while_it_runs(
        &self,
        child: &Child,
        early: &[Received],
        witness: &mut Witness,
        heartbeat: Option<Heartbeat<'_>>,
    ) -> Result<Ending, CliError> {
        let supervised = Supervised::new(Pid::from_child(child), witness);
        let interval = heartbeat.as_ref().and_then(Heartbeat::interval);
        let Some((heartbeat, interval)) = heartbeat.zip(interval) else {
            return supervised.wait(&self.signals, early);
        };
        let (ending, ended) = channel::<()>();
        thread::scope(|scope| {
            let push = move || heartbeat.push_until(&ended, interval);
            let thread = thread::Builder::new().name("heartbeat".to_owned());
            let thread = thread.spawn_scoped(scope, push);
            thread.map_err(|error| CliError::System("start a thread", error))?;
            let ended = supervised.wait(&self.signals, early);
            drop(ending);
            ended
        })
    }

    /// Tells how it went, with what the command has written, if that can be pushed.
    fn last_push(
        &self,
        reporter: &Reporter,
        start: &JobStart,
        mut end: JobEnd,
        own: &Result<Vec<Input>, CliError>,
        collected: Option<&Collected>,
        until: Instant,
    ) -> Outcome {
        let checked = match own {
            Ok(inputs) => own_metrics::check(inputs, reporter.key(), start.ttl.is_some()),
            Err(error) => Err(Refused::Unreadable(error.to_string())),
        };
        let own = checked.unwrap_or_else(|refused| {
            end.is_textfile_bad = true;
            if !self.args.quiet {
                refused.show(own.as_deref().unwrap_or_default());
            }
            Exposition::default()
        });
        let collected: Vec<&Collected> = collected.into_iter().collect();
        let mut outcome = match reporter.add(&(start.ended(&end), &own, &collected)) {
            Ok(()) => reporter.finish(left(until), &self.signals),
            // A name is in two of them.
            Err(error) => Outcome::Refused(in_one_line(&error)),
        };
        let is_alone = own.families.is_empty() && collected.is_empty();
        if let Outcome::Refused(why) = &outcome
            && !is_alone
        {
            self.complain(&format!("only the job's metrics are pushed: {why}"));
            end.is_textfile_bad |= !own.families.is_empty();
            outcome = match reporter.add(&start.ended(&end)) {
                Ok(()) => reporter.finish(left(until), &self.signals),
                Err(error) => Outcome::Failed(in_one_line(&error)),
            };
        }
        outcome
    }

    fn tell(&self, outcome: &Outcome) {
        let why = match outcome {
            Outcome::Pushed => return,
            Outcome::Refused(why) | Outcome::Failed(why) => why,
            Outcome::Interrupted => "interrupted by a signal",
        };
        self.complain(&format!("the last push failed: {why}"));
    }

    fn complain(&self, words: &str) {
        if !self.args.quiet {
            print_warning(words);
        }
    }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(now())
}

#[expect(clippy::disallowed_methods, reason = "a run happens at a time of the real world")]
fn wall() -> SystemTime {
    SystemTime::now()
}
