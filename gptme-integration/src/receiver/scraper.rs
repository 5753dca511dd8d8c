//! Programs that serve their metrics instead of sending them: gptme up to 0.28, and gptme-server.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use parking_lot::Mutex;
use prompush::{GatewayConfig, HttpClient, HttpUrl, PushErrorKind};

use super::error::ReceiverError;
use super::process::{ProcFs, Process, Processes as _};
use super::snapshot::Snapshot;
use crate::instance_name::host_name;
use crate::port_holder::PortHolder;
use crate::rules::Rules;
use crate::scrape::{self, Merged};

const THREAD_NAME: &str = "prompush-scrape";

/// Where metrics are looked for at a URL without a path: gptme up to 0.28, then gptme-server.
const USUAL_PATHS: [&str; 2] = ["/metrics", "/api/v0/metrics"];

/// Longest time for one scrape.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Largest body, in bytes.
const BODY_BYTES_MAX: usize = 16 << 20;

/// Scrapes without an answer, in a row, after which a program counts as ended. One that refuses connections does at once.
const SILENT_SCRAPES_MAX: u32 = 3;

/// Most different things that are said to be mended or dropped.
const SAID_MAX: usize = 100;

/// What the program's start is called in its metrics.
const START_TIME: &str = "process_start_time_seconds ";

/// Reads metrics from one URL again and again, on a thread of its own that ends when this is dropped.
#[derive(Debug)]
pub struct Scraper {
    found: Arc<Mutex<Found>>,
    /// Dropped to end the thread.
    _running: Sender<()>,
}

#[derive(Debug, Default)]
struct Found {
    current: Option<Program>,
    ended: Vec<Program>,
}

/// A program that answered.
#[derive(Clone, Debug)]
struct Program {
    label: String,
    host: String,
    process: Option<Process>,
    /// Whether it is handed out.
    is_meant: bool,
    /// When it says that it started, in its own words.
    started: Option<String>,
    merged: Arc<Merged>,
    is_changed: bool,
}

impl Scraper {
    /// Begins to read `url` every `interval`; without a path in it, `/metrics` and `/api/v0/metrics` are tried.
    ///
    /// # Errors
    ///
    /// [`ReceiverError`] if no thread can be started.
    pub fn start(
        url: HttpUrl,
        interval: Duration,
        rules: Arc<Rules>,
    ) -> Result<Self, ReceiverError> {
        Self::spawn(url, interval, rules, None)
    }

    /// As [`start`](Self::start), for the process with that ID and those that it started: what another process of this
    /// machine answers is not handed out.
    ///
    /// # Errors
    ///
    /// [`ReceiverError`] if no thread can be started.
    pub fn of_process(
        process_id: u32,
        url: HttpUrl,
        interval: Duration,
        rules: Arc<Rules>,
    ) -> Result<Self, ReceiverError> {
        Self::spawn(url, interval, rules, ProcFs::new().process(process_id))
    }

    fn spawn(
        url: HttpUrl,
        interval: Duration,
        rules: Arc<Rules>,
        only_of: Option<Process>,
    ) -> Result<Self, ReceiverError> {
        let limits = GatewayConfig::default().attempt_timeout(TIMEOUT);
        let limits = limits.answer_bytes_max(BODY_BYTES_MAX);
        let is_local = only_of.is_some() || is_loopback(url.host());
        let limits = limits.proxy_from_environment(!is_local);
        let client = HttpClient::new(&limits).map_err(ReceiverError::Config)?;
        let found = Arc::new(Mutex::default());
        let (running, stopped) = bounded(0);
        let mut worker = Worker {
            client,
            url,
            rules,
            is_local,
            only_of,
            found: Arc::clone(&found),
            processes: ProcFs::new(),
            path: None,
            silent: 0,
            complaint: None,
            said: BTreeSet::new(),
        };
        let work = move || {
            while worker.scrape_and_wait(&stopped, interval) {}
        };
        let thread = thread::Builder::new().name(THREAD_NAME.to_owned());
        thread.spawn(work).map_err(ReceiverError::Thread)?;
        Ok(Self { found, _running: running })
    }

    /// The program that answers, and those that have ended since the last call, in the order in which they ran.
    pub fn instances(&self) -> Vec<Snapshot> {
        let mut found = self.found.lock();
        let ended = std::mem::take(&mut found.ended);
        let ended = ended.into_iter().filter(|program| program.is_meant);
        let mut snapshots: Vec<Snapshot> = ended.map(|program| program.snapshot(true)).collect();
        if let Some(current) = found.current.as_mut().filter(|program| program.is_meant) {
            snapshots.push(current.snapshot(false));
            current.is_changed = false;
        }
        snapshots
    }
}

impl Program {
    fn snapshot(&self, has_ended: bool) -> Snapshot {
        Snapshot {
            label: self.label.clone(),
            host: self.host.clone(),
            process_id: self.process.map(|process| process.pid),
            is_changed: self.is_changed,
            is_connected: true,
            has_ended,
            source: Arc::<Merged>::clone(&self.merged),
        }
    }
}

/// The thread's state.
struct Worker {
    client: HttpClient,
    url: HttpUrl,
    rules: Arc<Rules>,
    /// Whether a process of this machine is meant.
    is_local: bool,
    /// Whose metrics are meant, its descendants' included; none for anybody's.
    only_of: Option<Process>,
    found: Arc<Mutex<Found>>,
    processes: ProcFs,
    /// The one of the usual paths that answered.
    path: Option<&'static str>,
    /// Scrapes without an answer, in a row.
    silent: u32,
    /// What was said last, so that it is said once.
    complaint: Option<String>,
    /// What was said to be mended or dropped.
    said: BTreeSet<String>,
}

impl Worker {
    /// Whether to go on.
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
            Ok(body) => match scrape::merge(&body, &self.rules) {
                Ok(merged) => {
                    self.silent = 0;
                    self.note(&body, merged);
                }
                Err(error) => {
                    let url = self.url.to_redacted();
                    self.complain(format!("what `{url}` answers are no metrics: {error}"));
                }
            },
            Err(Missing { is_gone, words }) => {
                self.silent += 1;
                if is_gone || self.silent >= SILENT_SCRAPES_MAX {
                    self.end();
                }
                self.complain(words);
            }
        }
    }

    fn fetch(&mut self) -> Result<Vec<u8>, Missing> {
        let paths: &[&'static str] = match (self.url.path(), &self.path) {
            ("", Some(path)) => &[*path],
            ("", None) => &USUAL_PATHS,
            _ => &[""],
        };
        let mut missing = Missing { is_gone: false, words: String::new() };
        for path in paths {
            let accept = [("accept", "text/plain;version=0.0.4")];
            match self.client.get(&self.url, path, &accept) {
                Ok(answer) if answer.status == 200 && !answer.is_html => {
                    self.path = Some(path);
                    return Ok(answer.body);
                }
                Ok(answer) => missing.words = self.describe(path, answer.status, answer.is_html),
                Err(error) => {
                    missing.is_gone = error.kind() == PushErrorKind::Unreachable;
                    missing.words = format!("{error}; it will be read when it is there");
                }
            }
        }
        Err(missing)
    }

    fn describe(&self, path: &str, status: u16, is_html: bool) -> String {
        let url = self.url.to_redacted();
        if is_html && status == 200 {
            format!(
                "`{url}{path}` is a page, not metrics: those of gptme-server are at `/api/v0/metrics`"
            )
        } else {
            format!("`{url}{path}` answered {status}")
        }
    }

    /// Keeps what was read, as that of the program that ran before or of a new one.
    fn note(&mut self, body: &[u8], mut merged: Merged) {
        self.say_what_was_changed(&merged);
        let started = start_time(body);
        let mut found = self.found.lock();
        if let Some(current) = &mut found.current {
            let is_alive = current.process.is_none_or(|process| self.processes.is_alive(process));
            if is_alive && current.started == started {
                merged.keep_withdrawn(&current.merged, &self.rules);
                current.merged = Arc::new(merged);
                current.is_changed = true;
                return;
            }
        }
        let process = self.local_process();
        let (host, label) = self.names(process);
        let merged = Arc::new(merged);
        let is_meant = self.is_meant(process);
        let program = Program { label, host, process, is_meant, started, merged, is_changed: true };
        let before = found.current.replace(program);
        found.ended.extend(before);
    }

    fn end(&mut self) {
        let found = Arc::clone(&self.found);
        let mut found = found.lock();
        let ended = found.current.take();
        if ended.is_some() {
            self.path = None; // another program may come
        }
        found.ended.extend(ended);
    }

    fn local_process(&self) -> Option<Process> {
        let holder = self.url.port().filter(|_| self.is_local).and_then(PortHolder::of)?;
        self.processes.process(holder.pid)
    }

    fn is_meant(&self, process: Option<Process>) -> bool {
        let (Some(process), Some(meant)) = (process, self.only_of) else { return true };
        process == meant || self.processes.descends_from(process, meant)
    }

    fn names(&self, process: Option<Process>) -> (String, String) {
        let host = match self.url.host() {
            host if is_loopback(host) => host_name(),
            host => host.to_owned(),
        };
        let number = process.map(|process| process.pid).or(self.url.port().map(u32::from));
        let label = number.map_or_else(|| host.clone(), |number| format!("{host}:{number}"));
        (host, label)
    }

    /// Each thing once: most are the same at every scrape.
    fn say_what_was_changed(&mut self, merged: &Merged) {
        let url = self.url.to_redacted();
        let mended =
            merged.mended().iter().map(|mend| format!("mended what `{url}` answers: {mend}"));
        let dropped = merged.dropped().iter().map(ToString::to_string);
        for words in mended.chain(dropped).collect::<Vec<_>>() {
            if self.said.len() < SAID_MAX && !self.said.contains(&words) {
                log::info!("{words}");
                self.said.insert(words);
            }
        }
    }

    fn complain(&mut self, words: String) {
        if self.complaint.as_ref() != Some(&words) {
            log::info!("{words}");
            self.complaint = Some(words);
        }
    }
}

/// Why there are no metrics.
struct Missing {
    /// Whether nobody is there at all.
    is_gone: bool,
    words: String,
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn start_time(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    text.lines().find_map(|line| line.strip_prefix(START_TIME)).map(str::to_owned)
}
