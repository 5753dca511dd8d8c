//! Answers requests: acknowledges every export at once, and hands it on.

use std::sync::Arc;

use parking_lot::Mutex;
use prompush_http_server::{Connection, Handler, Request, Response};

use crate::receiver::config::InstanceMode;
use crate::receiver::event_queue::{ConnectionEvent, EventSender, MetricsRequest};
use crate::receiver::open_connections::OpenConnections;
use crate::receiver::process_identity::ProcessIdentity;
use crate::receiver::receiver_metrics::ReceiverMetrics;
use crate::receiver::system_processes::SystemProcesses;
use crate::receiver::traces_forwarder::{TracesForwarder, TracesRequest};

/// Most open files that are searched for the process of a new connection while its client waits:
/// about twenty milliseconds' worth. Usually the process is found within two. If it is
/// not found, the worker searches again without this limit.
const FILES_MAX: usize = 5_000;

/// Headers that are not forwarded with traces: they describe the connection to this receiver, or
/// the forwarding client sets its own.
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

/// The handler of the HTTP server, shared by all its connections.
pub(crate) struct OtlpHandler {
    pub(crate) events: EventSender,
    pub(crate) forwarder: Option<Arc<Mutex<TracesForwarder>>>,
    pub(crate) metrics: ReceiverMetrics,
    pub(crate) open_connections: Arc<OpenConnections>,
    pub(crate) instance_mode: InstanceMode,
}

impl Handler for OtlpHandler {
    fn handle(&self, request: &Request) -> Response {
        let Some((signal, path_prefix)) = parse_path(request.path()) else {
            self.metrics.other_requests.inc();
            return answer_other(request);
        };
        if request.method() != "POST" {
            self.metrics.other_requests.inc();
            return Response::error(405, "OTLP is sent by POST").header("Allow", "POST");
        }
        match signal {
            Signal::Metrics => {
                self.metrics.metrics_requests.inc();
                self.events.send(ConnectionEvent::Metrics(MetricsRequest {
                    connection: *request.connection(),
                    path_prefix: path_prefix.map(str::to_owned),
                    content_encoding: request.header("content-encoding").map(str::to_owned),
                    body: request.body().to_vec(),
                }));
            }
            Signal::Traces => {
                self.metrics.traces_requests.inc();
                self.forward(request);
            }
            Signal::Logs => self.metrics.logs_requests.inc(),
        }
        acknowledge(request)
    }

    fn connected(&self, connection: &Connection) {
        self.open_connections.add();
        let process = self.process_of(connection);
        self.events.send(ConnectionEvent::Connected(*connection, process));
    }

    fn disconnected(&self, connection: &Connection) {
        self.events.send(ConnectionEvent::Disconnected(connection.id()));
        self.open_connections.remove();
    }
}

impl OtlpHandler {
    /// The process at the other end of a connection. It is searched for here, before any request
    /// is answered, because a client may end as soon as it has the answer to its last export.
    fn process_of(&self, connection: &Connection) -> Option<ProcessIdentity> {
        if self.instance_mode == InstanceMode::Single {
            return None;
        }
        SystemProcesses::owner_among(connection.peer(), connection.local(), FILES_MAX)
    }

    fn forward(&self, request: &Request) {
        let Some(forwarder) = &self.forwarder else {
            self.metrics.traces_no_target.inc();
            return;
        };
        let headers = request.all_headers().filter(|(name, _)| !NOT_FORWARDED.contains(name));
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let headers = headers.map(owned).collect();
        forwarder.lock().forward(TracesRequest { headers, body: request.body().to_vec() });
    }
}

/// The kinds of telemetry that OTLP carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Metrics,
    Traces,
    Logs,
}

/// The signal that a path stands for, and the part of the path before it, without slashes around
/// that part; `None` for a path that does not end like one of OTLP.
///
/// Exporters append `/v1/metrics` and `/v1/traces` to the path of their endpoint. Some take an
/// endpoint that ends in `/v1/metrics` as it is for metrics and append `/v1/traces` to it for
/// traces, so a `/v1/metrics` before the signal is not part of the prefix.
fn parse_path(path: &str) -> Option<(Signal, Option<&str>)> {
    const METRICS: &str = "/v1/metrics";
    let path = path.trim_end_matches('/');
    let signals =
        [(METRICS, Signal::Metrics), ("/v1/traces", Signal::Traces), ("/v1/logs", Signal::Logs)];
    let (prefix, signal) =
        signals.into_iter().find_map(|(end, signal)| Some((path.strip_suffix(end)?, signal)))?;
    let prefix = prefix.strip_suffix(METRICS).unwrap_or(prefix).trim_matches('/');
    Some((signal, Some(prefix).filter(|prefix| !prefix.is_empty())))
}

/// An `Export…ServiceResponse` without fields, which acknowledges everything.
///
/// Source: OTLP 1.x, "OTLP/HTTP Response": the answer has the content type of the request.
fn acknowledge(request: &Request) -> Response {
    let content_type = request.header("content-type").unwrap_or_default();
    if content_type.starts_with("application/json") {
        Response::with_body(200, "application/json", "{}")
    } else {
        Response::with_body(200, "application/x-protobuf", Vec::new())
    }
}

/// The answer to a request that is not OTLP.
fn answer_other(request: &Request) -> Response {
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
    fn a_path_names_the_signal_and_may_name_the_sender() {
        let check = |path: &str, expected: Option<(Signal, Option<&str>)>| {
            assert_eq!(parse_path(path), expected, "{path}");
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
