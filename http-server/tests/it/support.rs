//! A server whose handler reports every call to the test, and a client for it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use prompush_http_server::{
    Connection, Handler, HttpServer, Limits, Request, Response, ShutdownHandle,
};

/// Time within which a call of the handler is expected.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A call of the handler.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Connected(Connection),
    /// A request with its path.
    Handle(Connection, String),
    Disconnected(Connection),
}

/// Reports its calls to the test and answers every request with 200.
struct ReportingHandler(Sender<Call>);

impl Handler for ReportingHandler {
    fn handle(&self, request: &Request) -> Response {
        assert_eq!(request.peer(), request.connection().peer());
        self.report(Call::Handle(*request.connection(), request.path().to_owned()));
        Response::empty(200)
    }

    fn connected(&self, connection: &Connection) {
        self.report(Call::Connected(*connection));
    }

    fn disconnected(&self, connection: &Connection) {
        self.report(Call::Disconnected(*connection));
    }
}

impl ReportingHandler {
    fn report(&self, call: Call) {
        self.0.send(call).ok(); // The test may have ended.
    }
}

/// A server with a [`ReportingHandler`]. Dropping it shuts the server down.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: ShutdownHandle,
    calls: Receiver<Call>,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    /// A server with the default limits. `None` if the address cannot be bound.
    pub(crate) fn start(listen: &str) -> Option<Self> {
        Self::launch(listen, Limits::default())
    }

    /// A server on a free loopback port.
    pub(crate) fn with_limits(limits: Limits) -> Self {
        Self::launch("127.0.0.1:0", limits).expect("a free port")
    }

    fn launch(listen: &str, limits: Limits) -> Option<Self> {
        let (sender, calls) = channel();
        let handler = ReportingHandler(sender);
        let server = HttpServer::bind(&[listen.to_owned()], limits, handler).ok()?;
        let (address, shutdown) = (server.addresses()[0], server.shutdown_handle());
        let run = move || server.run().expect("the server runs");
        let thread = std::thread::Builder::new().name("server".to_owned()).spawn(run);
        let thread = Some(thread.expect("a thread"));
        Some(Self { address, shutdown, calls, thread })
    }

    /// A connection on which reads have a timeout.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(CALL_TIMEOUT)).expect("a timeout");
        stream
    }

    /// Sends bytes and returns everything that arrives until the server ends the connection.
    pub(crate) fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes).expect("the bytes are sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("the server ends the connection");
        response
    }

    /// The next call of the handler.
    pub(crate) fn next_call(&self) -> Call {
        self.calls.recv_timeout(CALL_TIMEOUT).expect("the handler is called")
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shutdown.shutdown();
        self.thread.take().map(JoinHandle::join);
    }
}

/// Sends a GET request and reads the response, which has no body.
pub(crate) fn get(stream: &TcpStream, path: &str) {
    let mut writer = stream;
    write!(writer, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("the request is sent");
    let is_head = |line: &String| !line.is_empty();
    let lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(is_head);
    assert!(lines.count() > 1, "a response");
}
