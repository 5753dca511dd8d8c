//! Scrapes programs that serve their metrics instead of sending them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use parking_lot::Mutex;
use prompush::{GatewayConfig, HttpClient, HttpUrl, PushErrorKind};

use crate::host_name::host_name;
use crate::receiver::error::ReceiverError;
use crate::receiver::port_holder::PortHolder;
use crate::receiver::process_identity::{ProcessIdentity, Processes as _};
use crate::receiver::snapshot::InstanceSnapshot;
use crate::receiver::system_processes::SystemProcesses;
use crate::rules::Rules;
use crate::scrape::{self, ScrapedMetrics};

const THREAD_NAME: &str = "prompush-scrape";

/// Longest time for one scrape.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Largest body, in bytes.
const BODY_BYTES_MAX: usize = 16 << 20;

/// After this many scrapes without an answer in a row, a program counts as ended. A program that
/// refuses connections counts as ended at once.
const UNANSWERED_SCRAPES_MAX: u32 = 3;

/// Most different repairs and drops that are logged.
const LOGGED_MAX: usize = 100;

/// The metric that tells when a program started. A new value means a new program.
const START_TIME: &str = "process_start_time_seconds ";

/// The target and the options of a [`Scraper`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ScraperConfig {
    /// The URL of the metrics.
    pub url: HttpUrl,
    /// The paths to try when `url` has none. Default: `/metrics`.
    pub usual_paths: &'static [&'static str],
    /// The time between two scrapes. Default: 2 s.
    pub interval: Duration,
    /// The rules that say which metrics and labels are kept. Default: [`Rules::default`].
    pub rules: Arc<Rules>,
    /// Hand out only metrics of the process with this ID and of its descendants. Default: metrics
    /// of any process.
    pub process_id: Option<u32>,
}

impl ScraperConfig {
    /// The defaults, for `url`.
    pub fn new(url: HttpUrl) -> Self {
        Self {
            url,
            usual_paths: &["/metrics"],
            interval: Duration::from_secs(2),
            rules: Arc::default(),
            process_id: None,
        }
    }
}

prompush_core::config_setters! {
    ScraperConfig {
        usual_paths: &'static [&'static str],
        interval: Duration,
        rules: Arc<Rules>,
        process_id: Option<u32>,
    }
}

/// Scrapes one URL periodically, on a thread that ends when the scraper is dropped.
#[derive(Debug)]
pub struct Scraper {
    programs: Arc<Mutex<ScrapedPrograms>>,
    /// Dropping it ends the thread.
    _running: Sender<()>,
}

/// The programs that have answered at the URL.
#[derive(Debug, Default)]
struct ScrapedPrograms {
    current: Option<ScrapedProgram>,
    /// Programs that have ended and were not handed out since.
    ended: Vec<ScrapedProgram>,
}

/// A program that has answered.
#[derive(Clone, Debug)]
struct ScrapedProgram {
    label: String,
    host: String,
    process: Option<ProcessIdentity>,
    /// Whether it is handed out: see `ScraperConfig::process_id`.
    is_wanted: bool,
    /// The text of its start time, if it has one.
    started: Option<String>,
    metrics: Arc<ScrapedMetrics>,
    is_changed: bool,
}

impl Scraper {
    /// Starts to scrape.
    ///
    /// # Errors
    ///
    /// [`ReceiverError`] when the thread cannot be started.
    pub fn start(config: ScraperConfig) -> Result<Self, ReceiverError> {
        let is_local = config.process_id.is_some() || is_loopback(config.url.host());
        let client_config = GatewayConfig::default()
            .attempt_timeout(TIMEOUT)
            .answer_bytes_max(BODY_BYTES_MAX)
            .proxy_from_environment(!is_local);
        let client = HttpClient::new(&client_config).map_err(ReceiverError::Config)?;
        let programs = Arc::new(Mutex::default());
        let (running, stopped) = bounded(0);
        let interval = config.interval;
        let mut worker = ScrapeWorker {
            client,
            is_local,
            only_of: config.process_id.and_then(SystemProcesses::process),
            config,
            programs: Arc::clone(&programs),
            path: None,
            unanswered: 0,
            last_failure: None,
            logged: BTreeSet::new(),
        };
        let work = move || {
            while worker.scrape_and_wait(&stopped, interval) {}
        };
        let thread = thread::Builder::new().name(THREAD_NAME.to_owned());
        thread.spawn(work).map_err(ReceiverError::Thread)?;
        Ok(Self { programs, _running: running })
    }

    /// The programs that have ended since the previous call, and the program that answers now, in
    /// the order in which they ran.
    pub fn instances(&self) -> Vec<InstanceSnapshot> {
        let mut programs = self.programs.lock();
        let ended = std::mem::take(&mut programs.ended);
        let ended = ended.into_iter().filter(|program| program.is_wanted);
        let mut snapshots: Vec<_> = ended.map(|program| program.snapshot(true)).collect();
        if let Some(current) = programs.current.as_mut().filter(|program| program.is_wanted) {
            snapshots.push(current.snapshot(false));
            current.is_changed = false;
        }
        snapshots
    }
}

impl ScrapedProgram {
    fn snapshot(&self, has_ended: bool) -> InstanceSnapshot {
        InstanceSnapshot {
            label: self.label.clone(),
            host: self.host.clone(),
            process_id: self.process.map(|process| process.pid),
            is_changed: self.is_changed,
            is_connected: true,
            has_ended,
            source: Arc::<ScrapedMetrics>::clone(&self.metrics),
        }
    }
}

/// The state of the scraping thread.
struct ScrapeWorker {
    client: HttpClient,
    config: ScraperConfig,
    /// Whether the URL is one of this machine.
    is_local: bool,
    /// The process whose metrics are wanted, and those of its descendants; `None` for any process.
    only_of: Option<ProcessIdentity>,
    programs: Arc<Mutex<ScrapedPrograms>>,
    /// The usual path that answered last.
    path: Option<&'static str>,
    /// How many scrapes in a row had no answer.
    unanswered: u32,
    /// The failure that was logged last, so that the same one is logged once.
    last_failure: Option<String>,
    /// The repairs and drops that were logged.
    logged: BTreeSet<String>,
}

impl ScrapeWorker {
    /// Scrapes once, and waits for `interval`. Returns whether to go on.
    fn scrape_and_wait(
        &mut self,
        stopped: &crossbeam_channel::Receiver<()>,
        interval: Duration,
    ) -> bool {
        self.scrape();
        matches!(stopped.recv_timeout(interval), Err(RecvTimeoutError::Timeout))
    }

    fn scrape(&mut self) {
        match self.fetch() {
            Ok(body) => match scrape::parse(&body, &self.config.rules) {
                Ok(metrics) => {
                    self.unanswered = 0;
                    self.record(&body, metrics);
                }
                Err(error) => {
                    let url = self.config.url.to_redacted();
                    self.log_failure(format!("the answer of `{url}` is unusable: {error}"));
                }
            },
            Err(failure) => {
                self.unanswered += 1;
                if failure.is_unreachable || self.unanswered >= UNANSWERED_SCRAPES_MAX {
                    self.end_current();
                }
                self.log_failure(failure.message);
            }
        }
    }

    fn fetch(&mut self) -> Result<Vec<u8>, ScrapeFailure> {
        let url = &self.config.url;
        let paths: &[&'static str] = match (url.path(), &self.path) {
            ("", Some(path)) => &[*path],
            ("", None) => self.config.usual_paths,
            _ => &[""],
        };
        let mut failure = ScrapeFailure { is_unreachable: false, message: String::new() };
        for path in paths {
            let accept = [("accept", "text/plain;version=0.0.4")];
            match self.client.get(url, path, &accept) {
                Ok(answer) if answer.status == 200 && !answer.is_html => {
                    self.path = Some(path);
                    return Ok(answer.body);
                }
                Ok(answer) => {
                    failure.message = self.failure_message(path, answer.status, answer.is_html);
                }
                Err(error) => {
                    failure.is_unreachable = error.kind() == PushErrorKind::Unreachable;
                    failure.message = format!("{error}; it will be read when it is there");
                }
            }
        }
        Err(failure)
    }

    fn failure_message(&self, path: &str, status: u16, is_html: bool) -> String {
        let url = self.config.url.to_redacted();
        if is_html && status == 200 {
            let usual_paths: Vec<String> =
                self.config.usual_paths.iter().map(|path| format!("`{path}`")).collect();
            let usual_paths = usual_paths.join(" or ");
            format!(
                "`{url}{path}` is a web page, not metrics; metrics are usually at {usual_paths}"
            )
        } else {
            format!("`{url}{path}` answered {status}")
        }
    }

    /// Records the metrics of a scrape, for the current program or for a new one.
    fn record(&mut self, body: &[u8], mut metrics: ScrapedMetrics) {
        self.log_changes(&metrics);
        let started = start_time(body);
        let mut programs = self.programs.lock();
        if let Some(current) = &mut programs.current {
            let is_alive = current.process.is_none_or(|process| SystemProcesses.is_alive(process));
            if is_alive && current.started == started {
                metrics.keep_withdrawn(&current.metrics, &self.config.rules);
                current.metrics = Arc::new(metrics);
                current.is_changed = true;
                return;
            }
        }
        let process = self.local_process();
        let (host, label) = self.host_and_label(process);
        let program = ScrapedProgram {
            label,
            host,
            process,
            is_wanted: self.is_wanted(process),
            started,
            metrics: Arc::new(metrics),
            is_changed: true,
        };
        let previous = programs.current.replace(program);
        programs.ended.extend(previous);
    }

    /// Records that the current program has ended.
    fn end_current(&mut self) {
        let programs = Arc::clone(&self.programs);
        let mut programs = programs.lock();
        let ended = programs.current.take();
        if ended.is_some() {
            self.path = None; // another program may answer next
        }
        programs.ended.extend(ended);
    }

    fn local_process(&self) -> Option<ProcessIdentity> {
        let port = self.config.url.port().filter(|_| self.is_local)?;
        SystemProcesses::process(PortHolder::of(port)?.pid)
    }

    fn is_wanted(&self, process: Option<ProcessIdentity>) -> bool {
        let (Some(process), Some(wanted)) = (process, self.only_of) else { return true };
        process == wanted || SystemProcesses.descends_from(process, wanted)
    }

    fn host_and_label(&self, process: Option<ProcessIdentity>) -> (String, String) {
        let url = &self.config.url;
        let host = match url.host() {
            host if is_loopback(host) => host_name(),
            host => host.to_owned(),
        };
        let number = process.map(|process| process.pid).or(url.port().map(u32::from));
        let label = number.map_or_else(|| host.clone(), |number| format!("{host}:{number}"));
        (host, label)
    }

    /// Logs each repair and each drop once: most recur in every scrape.
    fn log_changes(&mut self, metrics: &ScrapedMetrics) {
        let url = self.config.url.to_redacted();
        let repairs = metrics
            .repairs
            .iter()
            .map(|repair| format!("repaired the answer of `{url}`: {repair}"));
        let dropped = metrics.dropped.iter().map(ToString::to_string);
        for message in repairs.chain(dropped).collect::<Vec<_>>() {
            if self.logged.len() < LOGGED_MAX && !self.logged.contains(&message) {
                log::info!("{message}");
                self.logged.insert(message);
            }
        }
    }

    /// Logs a failure, unless it is the same as the previous one.
    fn log_failure(&mut self, message: String) {
        if self.last_failure.as_ref() != Some(&message) {
            log::info!("{message}");
            self.last_failure = Some(message);
        }
    }
}

/// Why a scrape brought no metrics.
struct ScrapeFailure {
    /// Whether nobody listens at the URL.
    is_unreachable: bool,
    message: String,
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn start_time(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    text.lines().find_map(|line| line.strip_prefix(START_TIME)).map(str::to_owned)
}
