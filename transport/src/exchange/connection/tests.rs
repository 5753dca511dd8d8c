//! Attempts and waits on a manual clock, against a sender that follows a script.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;
use crate::error::Verb;
use crate::exchange::answer::ACKNOWLEDGEMENT_BYTES_MAX;
use crate::exchange::answer::read_acknowledgement;
use crate::group_key::AnyGroupingKey;
use prompush_core::clock::ManualClock;
use std::io;

/// The sender's reaction to one request: a status with `Retry-After`, or a failure.
#[derive(Clone, Copy)]
enum ScriptedAnswer {
    Answer(u16, Option<&'static str>),
    Fail(HttpFailureKind),
}

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(1);
const DROPPED: ScriptedAnswer = ScriptedAnswer::Fail(HttpFailureKind::Dropped { after_body: true });
const SILENT: ScriptedAnswer = ScriptedAnswer::Fail(HttpFailureKind::Timeout);

/// Follows its script, and repeats the last answer. Each answer takes the time `takes`; a timeout takes
/// the whole timeout of the request.
struct Script {
    clock: Arc<ManualClock>,
    acts: Mutex<VecDeque<ScriptedAnswer>>,
    takes: Duration,
    timeouts: Arc<Mutex<Vec<Duration>>>,
}

impl HttpSend for Script {
    fn send(&self, request: &HttpRequest<'_>) -> Result<HttpResponse, HttpFailure> {
        self.timeouts.lock().unwrap().push(request.timeout);
        let mut acts = self.acts.lock().unwrap();
        let act = if acts.len() > 1 { acts.pop_front() } else { acts.front().copied() };
        let act = act.unwrap();
        let whole = matches!(act, ScriptedAnswer::Fail(HttpFailureKind::Timeout));
        self.clock.advance(if whole { request.timeout } else { self.takes.min(request.timeout) });
        match act {
            ScriptedAnswer::Fail(kind) => Err(HttpFailure { kind, cause: Cause::text("scripted") }),
            ScriptedAnswer::Answer(status, retry_after) => Ok(HttpResponse {
                status,
                location: None,
                retry_after: retry_after.map(str::to_owned),
                date: None,
                html: false,
                body: Box::new(io::empty()),
            }),
        }
    }

    fn interrupt(&self) {}
}

/// Runs a delete with default limits. Returns the kind of its failure, the attempts, the time, and
/// the timeout each attempt was given.
fn run(
    acts: &[ScriptedAnswer],
    takes: Duration,
) -> (Option<PushErrorKind>, u32, Duration, Vec<Duration>) {
    run_busy(acts, takes, Duration::ZERO)
}

/// As `run`, with a `before_retry` that takes the time `meanwhile`.
fn run_busy(
    acts: &[ScriptedAnswer],
    takes: Duration,
    meanwhile: Duration,
) -> (Option<PushErrorKind>, u32, Duration, Vec<Duration>) {
    let clock = Arc::new(ManualClock::new());
    let timeouts = Arc::new(Mutex::new(Vec::new()));
    let acts = Mutex::new(acts.iter().copied().collect());
    let script = Script { clock: Arc::clone(&clock), acts, takes, timeouts: Arc::clone(&timeouts) };
    let connection = Connection {
        url: HttpUrl::parse("http://gw").unwrap(),
        config: GatewayConfig::default(),
        http: Box::new(script),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        wait: Arc::clone(&clock) as Arc<dyn Wait>,
        rng: || fastrand::Rng::with_seed(7),
    };
    let deadline = clock.deadline(connection.config.total_timeout);
    let key = AnyGroupingKey::from_path("/metrics/job/x").unwrap();
    let result = connection.until_deadline_with(
        deadline,
        &Operation::on_group(Verb::Delete, &key),
        &read_acknowledgement,
        || {
            clock.advance(meanwhile);
        },
    );
    let timeouts = timeouts.lock().unwrap().clone();
    let (kind, attempts) = match result {
        Ok(completed) => (None, completed.attempts),
        Err(error) => (Some(error.kind()), error.attempts()),
    };
    (kind, attempts, clock.elapsed(), timeouts)
}

#[test]
fn a_dead_gateway_is_tried_until_the_deadline_and_no_longer() {
    for takes in [Duration::ZERO, Duration::from_millis(1), SECOND] {
        let (kind, attempts, took, _) =
            run(&[ScriptedAnswer::Fail(HttpFailureKind::Unreachable)], takes);
        assert_eq!(kind, Some(PushErrorKind::Unreachable));
        assert!((9..40).contains(&attempts), "{attempts}");
        assert!(took <= SECOND * 30 && took > SECOND * 25, "{took:?}");
    }
}

#[test]
fn no_attempt_is_made_without_time_for_it() {
    let refused = [ScriptedAnswer::Fail(HttpFailureKind::Unreachable), SILENT];
    let (kind, attempts, ..) = run_busy(&refused, Duration::ZERO, SECOND * 31);
    assert_eq!((kind, attempts), (Some(PushErrorKind::Unreachable), 1));
}

#[test]
fn an_attempt_never_has_more_time_than_remains() {
    let (kind, attempts, took, timeouts) = run(&[SILENT], Duration::ZERO);
    assert_eq!(kind, Some(PushErrorKind::Timeout));
    assert!(took <= SECOND * 30, "{took:?}");
    assert!((3..=4).contains(&attempts), "{attempts}");
    assert_eq!(timeouts[..2], [SECOND * 10, SECOND * 10]);
    assert!(timeouts.iter().sum::<Duration>() < SECOND * 30, "{timeouts:?}");
}

#[test]
fn retry_after_replaces_the_backoff() {
    let busy = ScriptedAnswer::Answer(503, Some("7"));
    let (kind, attempts, took, _) = run(&[busy, ScriptedAnswer::Answer(202, None)], Duration::ZERO);
    assert_eq!((kind, attempts, took), (None, 2, SECOND * 7));
    let later = ScriptedAnswer::Answer(503, Some("31"));
    let (kind, attempts, took, _) = run(&[later], Duration::ZERO);
    assert_eq!((kind, attempts), (Some(PushErrorKind::Unavailable(503)), 1));
    assert_eq!(took, Duration::ZERO);
}

#[test]
fn a_retry_after_of_zero_does_not_replace_the_backoff() {
    for value in ["0", "Thu, 01 Jan 1970 00:00:00 GMT"] {
        let (kind, attempts, took, _) = run(&[ScriptedAnswer::Answer(503, Some(value))], MOMENT);
        assert_eq!(kind, Some(PushErrorKind::Unavailable(503)));
        assert!((9..40).contains(&attempts) && took <= SECOND * 30, "{attempts} in {took:?}");
    }
}

#[test]
fn dropped_connections_count_only_in_a_row() {
    let (kind, attempts, ..) = run(&[DROPPED], Duration::ZERO);
    assert_eq!((kind, attempts), (Some(PushErrorKind::Dropped), 3));
    let busy = ScriptedAnswer::Answer(503, None);
    let acts = [DROPPED, DROPPED, busy, DROPPED, DROPPED, ScriptedAnswer::Answer(200, None)];
    let (kind, attempts, ..) = run(&acts, Duration::ZERO);
    assert_eq!((kind, attempts), (None, 6));
}

#[test]
fn a_refusal_is_not_repeated() {
    let (kind, attempts, took, _) = run(&[ScriptedAnswer::Answer(400, Some("1"))], Duration::ZERO);
    assert_eq!((kind, attempts, took), (Some(PushErrorKind::Refused(400)), 1, Duration::ZERO));
}

#[test]
fn an_endless_answer_does_not_acknowledge() {
    assert!(read_acknowledgement(&mut &[b'x'; ACKNOWLEDGEMENT_BYTES_MAX][..]).is_ok());
    let endless = read_acknowledgement(&mut io::repeat(b'x'));
    assert!(matches!(endless, Err(ReadError::Other(HttpFailureKind::Garbled, _))), "{endless:?}");
}
