//! Traces on their way to the user's own collector.
//!
//! They hold prompts and answers: they are never logged, kept or looked into.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use prompush::{GatewayConfig, HttpAnswer, HttpClient, HttpError, HttpUrl};

use super::error::ReceiverError;
use super::metrics::Metrics;

const THREAD_NAME: &str = "prompush-traces";

/// What a body in the queue is reckoned to take besides its bytes.
const BODY_OVERHEAD_BYTES: usize = 1024;

/// The waits before the second, third and fourth attempt at a body.
const RETRY_DELAYS: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// Time between two looks at whether traces still get on, at the end.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);
/// Time without an answer after which a target is given up at the end; and if its last answer was a failure.
const PATIENCE: Duration = Duration::from_millis(500);
const PATIENCE_WITH_FAILING: Duration = Duration::from_millis(50);

/// Where the traces are posted, below an OTLP endpoint.
const TRACES_PATH: &str = "/v1/traces";

/// A request as it came.
pub(super) struct TracesBody {
    /// Those that are the sender's business, not the connection's.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl TracesBody {
    fn bytes(&self) -> usize {
        self.body.len() + BODY_OVERHEAD_BYTES
    }
}

/// Forwards traces from a thread of its own.
pub(super) struct Forwarder {
    queue: Option<Sender<TracesBody>>,
    shared: Arc<Shared>,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
    /// Dropped to end the waits between attempts.
    hurry: Option<Sender<()>>,
}

struct Shared {
    client: HttpClient,
    target: HttpUrl,
    metrics: Metrics,
    bytes_max: usize,
    /// Bytes in the queue and in work. It guards nothing: `Relaxed` is enough.
    bytes: AtomicUsize,
    /// Whether what is left is dropped. It guards nothing: `Relaxed` is enough.
    is_abandoned: AtomicBool,
    /// Whether each body has one attempt, and the first failure of the target ends it all. It guards nothing: `Relaxed`
    /// is enough.
    is_last: AtomicBool,
    /// Attempts that have ended, and whether the target failed in the last one. They guard nothing: `Relaxed` is enough.
    attempts: AtomicUsize,
    has_just_failed: AtomicBool,
    /// Whether the last body arrived, so that a failure is logged once. Used by one thread.
    is_failing: AtomicBool,
}

impl Forwarder {
    pub(super) fn start(
        target: HttpUrl,
        config: &GatewayConfig,
        bytes_max: usize,
        metrics: Metrics,
    ) -> Result<Self, ReceiverError> {
        let client = HttpClient::new(config).map_err(ReceiverError::Config)?;
        let (queue, bodies) = unbounded();
        let (hurry, hurried) = bounded(0);
        let (running, ended) = bounded(0);
        let shared = Arc::new(Shared {
            client,
            target,
            metrics,
            bytes_max,
            bytes: AtomicUsize::new(0),
            is_abandoned: AtomicBool::new(false),
            is_last: AtomicBool::new(false),
            attempts: AtomicUsize::new(0),
            has_just_failed: AtomicBool::new(false),
            is_failing: AtomicBool::new(false),
        });
        let worker = Arc::clone(&shared);
        let work = move || {
            let _running: Sender<()> = running;
            worker.run(&bodies, &hurried);
        };
        let thread = thread::Builder::new().name(THREAD_NAME.to_owned());
        thread.spawn(work).map_err(ReceiverError::Thread)?;
        Ok(Self { queue: Some(queue), shared, ended, hurry: Some(hurry) })
    }

    /// Takes a body to forward, or drops and counts it.
    pub(super) fn forward(&self, body: TracesBody) {
        let shared = &self.shared;
        let bytes = body.bytes();
        let before = shared.bytes.fetch_add(bytes, Ordering::Relaxed);
        let has_room = before + bytes <= shared.bytes_max;
        let is_queued =
            has_room && self.queue.as_ref().is_some_and(|queue| queue.send(body).is_ok());
        if !is_queued {
            shared.metrics.traces_queue_full.inc();
            shared.leave(bytes);
        }
    }

    /// Takes nothing more, and waits until everything is forwarded; drops and counts the rest at the deadline.
    pub(super) fn stop(&mut self, deadline: Duration) {
        self.queue = None;
        if !self.is_abandoned() && !self.wait(deadline) {
            self.abandon();
        }
    }

    /// Takes nothing more, and tries nothing twice from now on.
    pub(super) fn try_no_more(&mut self) {
        self.queue = None;
        self.shared.is_last.store(true, Ordering::Relaxed);
        self.hurry = None;
    }

    /// Waits until everything is forwarded, as long as the target answers; drops and counts the rest when it does
    /// not, at the deadline, or when `is_cut_short` says so.
    pub(super) fn stop_soon(&mut self, deadline: Duration, is_cut_short: &dyn Fn() -> bool) {
        self.try_no_more();
        let attempts = || self.shared.attempts.load(Ordering::Relaxed);
        let (mut waited, mut silent, mut seen) = (Duration::ZERO, Duration::ZERO, attempts());
        while !self.wait(LOOK_INTERVAL.min(deadline.saturating_sub(waited))) {
            waited += LOOK_INTERVAL;
            silent = if attempts() == seen { silent + LOOK_INTERVAL } else { Duration::ZERO };
            seen = attempts();
            let has_failed = self.shared.has_just_failed.load(Ordering::Relaxed);
            let patience = if has_failed { PATIENCE_WITH_FAILING } else { PATIENCE };
            if waited >= deadline || silent >= patience || is_cut_short() {
                self.abandon();
                return;
            }
        }
    }

    /// Whether the thread has ended within that time.
    fn wait(&self, within: Duration) -> bool {
        // The channel is closed when the thread ends, which is an error like a timeout.
        !self.ended.recv_timeout(within).is_err_and(|error| error.is_timeout())
    }

    fn is_abandoned(&self) -> bool {
        self.shared.is_abandoned.load(Ordering::Relaxed)
    }

    fn abandon(&mut self) {
        self.shared.is_abandoned.store(true, Ordering::Relaxed);
        self.hurry = None;
        self.shared.client.interrupt();
    }
}

impl Shared {
    fn run(&self, bodies: &Receiver<TracesBody>, hurried: &Receiver<()>) {
        for body in bodies {
            let bytes = body.bytes();
            if self.is_abandoned.load(Ordering::Relaxed) {
                self.metrics.traces_failed.inc();
            } else {
                self.deliver(&body, hurried);
            }
            drop(body);
            self.leave(bytes);
        }
    }

    /// Makes a few attempts at a body.
    fn deliver(&self, body: &TracesBody, hurried: &Receiver<()>) {
        let headers: Vec<(&str, &str)> =
            body.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        // Some give the endpoint of traces, some the base of all.
        let is_whole = self.target.path().ends_with(TRACES_PATH);
        let path = if is_whole { "" } else { TRACES_PATH };
        let mut delays = RETRY_DELAYS.iter();
        loop {
            let answer = self.client.post(&self.target, path, &headers, &body.body);
            self.attempts.fetch_add(1, Ordering::Relaxed);
            let may_succeed_later = match &answer {
                Ok(answer) if (200..300).contains(&answer.status) => {
                    self.metrics.traces_forwarded.inc();
                    self.is_failing.store(false, Ordering::Relaxed);
                    self.has_just_failed.store(false, Ordering::Relaxed);
                    return;
                }
                // OTLP 1.x, "Retryable Response Codes".
                Ok(answer) => matches!(answer.status, 429 | 502 | 503 | 504),
                Err(error) => error.kind().is_retryable(),
            };
            self.has_just_failed.store(may_succeed_later, Ordering::Relaxed);
            let is_last = self.is_last.load(Ordering::Relaxed);
            if is_last && may_succeed_later {
                self.is_abandoned.store(true, Ordering::Relaxed);
            }
            let is_abandoned = || self.is_abandoned.load(Ordering::Relaxed);
            let delay = delays.next().filter(|_| may_succeed_later && !is_abandoned());
            let Some(delay) = delay else {
                self.give_up(answer);
                return;
            };
            // Ends early, with an error, when the sender is dropped.
            hurried.recv_timeout(*delay).ok();
        }
    }

    /// Counts a body that did not arrive, and says so where the one before did.
    fn give_up(&self, answer: Result<HttpAnswer, HttpError>) {
        let (counter, why) = match answer {
            Ok(answer) => {
                let target = self.target.to_redacted();
                let why = format!("`{target}` answered {}", answer.status);
                (&self.metrics.traces_refused, why)
            }
            Err(error) => (&self.metrics.traces_failed, error.to_string()),
        };
        counter.inc();
        if !self.is_failing.swap(true, Ordering::Relaxed) {
            log::warn!("traces are dropped as long as this lasts: {why}");
        }
    }

    fn leave(&self, bytes: usize) {
        let left = self.bytes.fetch_sub(bytes, Ordering::Relaxed).saturating_sub(bytes);
        #[expect(clippy::cast_precision_loss, reason = "a size for people to look at")]
        self.metrics.traces_queued_bytes.set(left as f64);
    }
}
