//! Forwards traces to the user's own collector.
//!
//! Traces may hold prompts, answers and other secrets: they are never read, logged or stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use prompush::{
    FailedAttempt, GatewayConfig, HttpAnswer, HttpClient, HttpError, HttpUrl, RetryPolicy, retry,
};
use prompush_core::clock::SystemClock;

use crate::receiver::error::ReceiverError;
use crate::receiver::receiver_metrics::ReceiverMetrics;

const THREAD_NAME: &str = "prompush-traces";

/// The bytes that each request in the queue counts in addition to its body.
const REQUEST_OVERHEAD_BYTES: usize = 1024;

/// Most attempts to forward a request. The waits in between are 0.5 s, 1 s and 2 s.
const ATTEMPTS_MAX: u32 = 4;
const RETRY_DELAY_MIN: Duration = Duration::from_millis(500);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(2);

/// How often `finish_or_abandon` checks whether requests are still being forwarded.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(10);
/// How long `finish_or_abandon` waits for an attempt to end.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long it waits when the previous attempt failed.
const PATIENCE_AFTER_FAILURE: Duration = Duration::from_millis(50);

/// The path for traces below an OTLP endpoint.
const TRACES_PATH: &str = "/v1/traces";

/// A request with traces, to be forwarded unchanged.
pub(crate) struct TracesRequest {
    /// The headers to forward.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl TracesRequest {
    /// How many bytes the request counts in the queue.
    fn bytes(&self) -> usize {
        self.body.len() + REQUEST_OVERHEAD_BYTES
    }
}

/// Forwards traces on a thread of its own.
pub(crate) struct TracesForwarder {
    /// `None` when no more requests are accepted.
    queue: Option<Sender<TracesRequest>>,
    state: Arc<ForwarderState>,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
    /// Dropping it ends the waits between attempts.
    waits: Option<Sender<()>>,
}

/// The state that the forwarder shares with its thread.
///
/// The atomics are flags and counts that order nothing else, so `Relaxed` is enough for all.
struct ForwarderState {
    client: HttpClient,
    target: HttpUrl,
    metrics: ReceiverMetrics,
    bytes_max: usize,
    /// Bytes of the requests in the queue and the one being forwarded.
    bytes: AtomicUsize,
    /// Whether the remaining requests are dropped.
    is_abandoned: AtomicBool,
    /// Whether each request has only one attempt, and the first failure abandons the rest.
    is_last_attempt: AtomicBool,
    /// How many attempts have ended.
    attempts: AtomicUsize,
    /// Whether the target failed in the last attempt.
    has_just_failed: AtomicBool,
    /// Whether a failure was logged since the last success.
    has_logged_failure: AtomicBool,
}

impl TracesForwarder {
    pub(crate) fn start(
        target: HttpUrl,
        config: &GatewayConfig,
        bytes_max: usize,
        metrics: ReceiverMetrics,
    ) -> Result<Self, ReceiverError> {
        let client = HttpClient::new(config).map_err(ReceiverError::Config)?;
        let (queue, requests) = unbounded();
        let (waits, waits_ended) = bounded(0);
        let (running, ended) = bounded(0);
        let state = Arc::new(ForwarderState {
            client,
            target,
            metrics,
            bytes_max,
            bytes: AtomicUsize::new(0),
            is_abandoned: AtomicBool::new(false),
            is_last_attempt: AtomicBool::new(false),
            attempts: AtomicUsize::new(0),
            has_just_failed: AtomicBool::new(false),
            has_logged_failure: AtomicBool::new(false),
        });
        let worker = Arc::clone(&state);
        let work = move || {
            let _running: Sender<()> = running;
            worker.run(&requests, &waits_ended);
        };
        let thread = thread::Builder::new().name(THREAD_NAME.to_owned());
        thread.spawn(work).map_err(ReceiverError::Thread)?;
        Ok(Self { queue: Some(queue), state, ended, waits: Some(waits) })
    }

    /// Queues a request, or drops and counts it when there is no room.
    pub(crate) fn forward(&self, request: TracesRequest) {
        let state = &self.state;
        let bytes = request.bytes();
        let before = state.bytes.fetch_add(bytes, Ordering::Relaxed);
        let has_room = before + bytes <= state.bytes_max;
        let is_queued =
            has_room && self.queue.as_ref().is_some_and(|queue| queue.send(request).is_ok());
        if !is_queued {
            state.metrics.traces_queue_full.inc();
            state.release(bytes);
        }
    }

    /// Accepts no more requests, and waits until all are forwarded. Drops and counts the rest when
    /// `within` has passed.
    pub(crate) fn stop(&mut self, within: Duration) {
        self.queue = None;
        if !self.is_abandoned() && !self.wait(within) {
            self.abandon();
        }
    }

    /// Accepts no more requests, and makes only one attempt at each from now on.
    pub(crate) fn stop_retrying(&mut self) {
        self.queue = None;
        self.state.is_last_attempt.store(true, Ordering::Relaxed);
        self.waits = None;
    }

    /// Waits until all requests are forwarded, as long as the target answers. Drops and counts the
    /// rest as soon as the target does not, `within` has passed, or `is_cut_short` returns true.
    pub(crate) fn finish_or_abandon(&mut self, within: Duration, is_cut_short: &dyn Fn() -> bool) {
        self.stop_retrying();
        let attempts = || self.state.attempts.load(Ordering::Relaxed);
        let (mut waited, mut silent, mut seen) = (Duration::ZERO, Duration::ZERO, attempts());
        while !self.wait(PROGRESS_INTERVAL.min(within.saturating_sub(waited))) {
            waited += PROGRESS_INTERVAL;
            let has_progress = attempts() != seen;
            silent = if has_progress { Duration::ZERO } else { silent + PROGRESS_INTERVAL };
            seen = attempts();
            let has_failed = self.state.has_just_failed.load(Ordering::Relaxed);
            let patience = if has_failed { PATIENCE_AFTER_FAILURE } else { PATIENCE };
            if waited >= within || silent >= patience || is_cut_short() {
                self.abandon();
                return;
            }
        }
    }

    /// Waits for the thread to end, for `within` at most. Returns whether it has ended.
    fn wait(&self, within: Duration) -> bool {
        // Nothing is ever sent: the only alternative to a timeout is that the channel is closed,
        // which means that the thread has ended.
        !self.ended.recv_timeout(within).is_err_and(|error| error.is_timeout())
    }

    fn is_abandoned(&self) -> bool {
        self.state.is_abandoned.load(Ordering::Relaxed)
    }

    fn abandon(&mut self) {
        self.state.is_abandoned.store(true, Ordering::Relaxed);
        self.waits = None;
        self.state.client.interrupt();
    }
}

impl ForwarderState {
    fn run(&self, requests: &Receiver<TracesRequest>, waits_ended: &Receiver<()>) {
        for request in requests {
            let bytes = request.bytes();
            if self.is_abandoned.load(Ordering::Relaxed) {
                self.metrics.traces_failed.inc();
            } else {
                self.deliver(&request, waits_ended);
            }
            drop(request);
            self.release(bytes);
        }
    }

    /// Forwards a request, with a few attempts. Counts whether it arrived.
    fn deliver(&self, request: &TracesRequest, waits_ended: &Receiver<()>) {
        let policy = RetryPolicy::default()
            .delay_min(RETRY_DELAY_MIN)
            .delay_max(RETRY_DELAY_MAX)
            .attempts_max(Some(ATTEMPTS_MAX))
            .jitter(false);
        let wait = |time| {
            // Ends early, with an error, when the sender is dropped.
            waits_ended.recv_timeout(time).ok();
        };
        match retry(&policy, None, &SystemClock, wait, || self.attempt(request)) {
            Ok(()) => {
                self.metrics.traces_forwarded.inc();
                self.has_logged_failure.store(false, Ordering::Relaxed);
            }
            Err(failure) => self.give_up(failure),
        }
    }

    /// Makes one attempt to forward a request.
    fn attempt(&self, request: &TracesRequest) -> Result<(), FailedAttempt<ForwardFailure>> {
        let headers: Vec<(&str, &str)> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        // Users give either the endpoint for traces or the base of all endpoints.
        let has_path = self.target.path().ends_with(TRACES_PATH);
        let path = if has_path { "" } else { TRACES_PATH };
        let answer = self.client.post(&self.target, path, &headers, &request.body);
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let (error, may_succeed_later) = match answer {
            Ok(answer) if (200..300).contains(&answer.status) => {
                self.has_just_failed.store(false, Ordering::Relaxed);
                return Ok(());
            }
            // OTLP 1.x, "Retryable Response Codes".
            Ok(HttpAnswer { status, .. }) => {
                (ForwardFailure::Refused(status), matches!(status, 429 | 502 | 503 | 504))
            }
            Err(error) => {
                let is_retryable = error.kind().is_retryable();
                (ForwardFailure::Http(Box::new(error)), is_retryable)
            }
        };
        self.has_just_failed.store(may_succeed_later, Ordering::Relaxed);
        if may_succeed_later && self.is_last_attempt.load(Ordering::Relaxed) {
            self.is_abandoned.store(true, Ordering::Relaxed);
        }
        let is_retryable = may_succeed_later && !self.is_abandoned.load(Ordering::Relaxed);
        Err(FailedAttempt { error, is_retryable, retry_after: None })
    }

    /// Counts a request that did not arrive. Logs the first failure after a success.
    fn give_up(&self, failure: ForwardFailure) {
        let (counter, cause) = match failure {
            ForwardFailure::Refused(status) => {
                let target = self.target.to_redacted();
                (&self.metrics.traces_refused, format!("`{target}` answered {status}"))
            }
            ForwardFailure::Http(error) => (&self.metrics.traces_failed, error.to_string()),
        };
        counter.inc();
        if !self.has_logged_failure.swap(true, Ordering::Relaxed) {
            log::warn!("traces are dropped as long as this lasts: {cause}");
        }
    }

    /// Subtracts a request from the bytes of the queue.
    fn release(&self, bytes: usize) {
        let left = self.bytes.fetch_sub(bytes, Ordering::Relaxed).saturating_sub(bytes);
        #[expect(clippy::cast_precision_loss, reason = "a size for people to look at")]
        self.metrics.traces_queued_bytes.set(left as f64);
    }
}

/// Why a request did not arrive.
enum ForwardFailure {
    /// The target answered with this status.
    Refused(u16),
    /// The target gave no answer.
    Http(Box<HttpError>),
}
