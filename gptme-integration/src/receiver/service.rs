//! The answering side: says 2xx, and hands on what came.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use prompush_http_server::{Connection, Handler, Request, Response};

use super::config::Instances;
use super::metrics::Metrics;
use super::process::{ProcFs, Process};
use super::traces::{Forwarder, TracesBody};
use super::worker::{Event, MetricsBody, Queue};

/// Most files of other processes that are looked at for the process of a new connection while others wait for their
/// answers: some twenty milliseconds' worth. As a rule it is found within one.
const FILES_MAX: usize = 20_000;

/// Headers that are about the connection to us, or that the next request gets of its own.
const NOT_FORWARDED: [&str; 12] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What all threads that answer share.
pub(super) struct Service {
    pub(super) queue: Queue,
    pub(super) forwarder: Option<Arc<Mutex<Forwarder>>>,
    pub(super) metrics: Metrics,
    pub(super) open: Arc<Open>,
    pub(super) instances: Instances,
    pub(super) processes: ProcFs,
}

/// How many connections are open.
#[derive(Debug, Default)]
pub(super) struct Open {
    count: Mutex<usize>,
    changed: Condvar,
}

impl Open {
    fn add(&self) {
        *self.count.lock() += 1;
    }

    fn remove(&self) {
        let mut count = self.count.lock();
        *count = count.saturating_sub(1);
        self.changed.notify_all();
    }

    /// Waits until none is open, or for that long.
    pub(super) fn wait_until_none(&self, within: Duration) {
        let mut count = self.count.lock();
        self.changed.wait_while_for(&mut count, |count| *count > 0, within);
    }
}

impl Handler for Service {
    fn handle(&self, request: &Request) -> Response {
        let Some((signal, prefix)) = signal_of(request.path()) else {
            self.metrics.requests_otherwise.inc();
            return other(request);
        };
        if request.method() != "POST" {
            self.metrics.requests_otherwise.inc();
            return Response::error(405, "OTLP is sent by POST").header("Allow", "POST");
        }
        match signal {
            Signal::Metrics => {
                self.metrics.requests_of_points.inc();
                self.queue.send(Event::Metrics(MetricsBody {
                    connection: *request.connection(),
                    prefix: prefix.map(str::to_owned),
                    content_encoding: request.header("content-encoding").map(str::to_owned),
                    body: request.body().to_vec(),
                }));
            }
            Signal::Traces => {
                self.metrics.requests_of_traces.inc();
                self.forward(request);
            }
            Signal::Logs => self.metrics.requests_of_logs.inc(),
        }
        accepted(request)
    }

    fn connected(&self, connection: &Connection) {
        self.open.add();
        let process = self.process_of(connection);
        self.queue.send(Event::Connected(*connection, process));
    }

    fn disconnected(&self, connection: &Connection) {
        self.queue.send(Event::Disconnected(connection.id()));
        self.open.remove();
    }
}

impl Service {
    /// The process at the other end. Asked for here, before there is an answer, and so before a client that
    /// has sent its last metrics can end.
    fn process_of(&self, connection: &Connection) -> Option<Process> {
        if self.instances == Instances::One {
            return None;
        }
        self.processes.owner_among(connection.peer(), connection.local(), FILES_MAX)
    }

    fn forward(&self, request: &Request) {
        let Some(forwarder) = &self.forwarder else {
            self.metrics.traces_without_target.inc();
            return;
        };
        let headers = request.all_headers().filter(|(name, _)| !NOT_FORWARDED.contains(name));
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let headers = headers.map(owned).collect();
        forwarder.lock().forward(TracesBody { headers, body: request.body().to_vec() });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Metrics,
    Traces,
    Logs,
}

/// What a path asks for, and what stands before it, without the slashes around it.
///
/// gptme puts `/v1/metrics` and `/v1/traces` behind whatever path its endpoint has, except that one that
/// ends in `/v1/metrics` is taken as it is for metrics: so an endpoint that was meant for metrics alone says
/// nothing about who sends.
fn signal_of(path: &str) -> Option<(Signal, Option<&str>)> {
    const METRICS: &str = "/v1/metrics";
    let path = path.trim_end_matches('/');
    let signals =
        [(METRICS, Signal::Metrics), ("/v1/traces", Signal::Traces), ("/v1/logs", Signal::Logs)];
    let (prefix, signal) =
        signals.into_iter().find_map(|(end, signal)| Some((path.strip_suffix(end)?, signal)))?;
    let prefix = prefix.strip_suffix(METRICS).unwrap_or(prefix).trim_matches('/');
    Some((signal, Some(prefix).filter(|prefix| !prefix.is_empty())))
}

/// An `Export…ServiceResponse` without fields: everything was taken.
///
/// Source: OTLP 1.x, "OTLP/HTTP Response": the answer has the content type of the request.
fn accepted(request: &Request) -> Response {
    let content_type = request.header("content-type").unwrap_or_default();
    if content_type.starts_with("application/json") {
        Response::with_body(200, "application/json", "{}")
    } else {
        Response::with_body(200, "application/x-protobuf", Vec::new())
    }
}

fn other(request: &Request) -> Response {
    match (request.method(), request.path()) {
        ("GET" | "HEAD", "/" | "/-/healthy" | "/-/ready") => {
            Response::text(200, "prompush receives OTLP over HTTP here: /v1/metrics, /v1/traces\n")
        }
        _ => Response::error(404, "OTLP is sent to /v1/metrics and /v1/traces"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_what_comes_and_from_whom() {
        let check = |path: &str, expected: Option<(Signal, Option<&str>)>| {
            assert_eq!(signal_of(path), expected, "{path}");
        };
        check("/v1/metrics", Some((Signal::Metrics, None)));
        check("/v1/metrics/", Some((Signal::Metrics, None)));
        check("/prefix/v1/metrics", Some((Signal::Metrics, Some("prefix"))));
        check("/a/b/v1/traces", Some((Signal::Traces, Some("a/b"))));
        check("//v1/metrics", Some((Signal::Metrics, None)));
        check("/v1/metrics/v1/traces", Some((Signal::Traces, None)));
        check("/p/v1/metrics/v1/traces", Some((Signal::Traces, Some("p"))));
        check("/v1/logs", Some((Signal::Logs, None)));
        check("/v1", None);
        check("/", None);
        check("/v1/metricsx", None);
    }
}
