//! A server that follows a script, including answers that no good server would give.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::recorded_request::RecordedRequest;
use crate::waiting;

/// The server's reaction to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// Reads the request, sends a valid HTTP answer, and closes the connection unless `keep_alive` is set.
    Respond {
        /// The status code.
        status: u16,
        /// Headers to send unchanged, after `Content-Length` and `Connection`.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
        /// Whether the connection stays open for the next request.
        keep_alive: bool,
    },
    /// Reads the request, sends these bytes unchanged, and closes the connection.
    Bytes(Vec<u8>),
    /// Reads the request, sends these bytes one at a time with a pause after each, and closes the connection.
    Drip {
        /// The bytes to send.
        bytes: Vec<u8>,
        /// The pause after each byte.
        pause: Duration,
    },
    /// Reads the request and never answers; the connection stays open until the server is dropped.
    Hang,
    /// Accepts the connection and reads nothing. The connection stays open until the server is dropped.
    HangUnread,
    /// Closes the connection at once. No request is recorded.
    CloseAtOnce,
    /// Reads the head and closes the connection. The request is recorded without its body.
    CloseAfterHead,
    /// Reads the whole request and closes the connection without an answer.
    CloseAfterBody,
    /// Reads and records the request, waits for [`ScriptedServer::release`], then gives the inner answer.
    Held(Box<Self>),
}

impl Answer {
    /// An empty answer with this status.
    pub fn status(status: u16) -> Self {
        Self::Respond { status, headers: Vec::new(), body: Vec::new(), keep_alive: false }
    }

    /// Adds a header. Only a [`Respond`](Self::Respond) has headers.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Respond { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Sets the body. Only a [`Respond`](Self::Respond) has a body.
    #[must_use]
    pub fn body(mut self, text: impl AsRef<[u8]>) -> Self {
        if let Self::Respond { body, .. } = &mut self {
            *body = text.as_ref().to_vec();
        }
        self
    }

    /// Keeps the connection open for the next request.
    #[must_use]
    pub fn keep_alive(mut self) -> Self {
        if let Self::Respond { keep_alive, .. } = &mut self {
            *keep_alive = true;
        }
        self
    }

    /// Holds the answer back until [`ScriptedServer::release`].
    #[must_use]
    pub fn held(self) -> Self {
        Self::Held(Box::new(self))
    }

    /// Sends the answer one byte at a time, with `pause` after each byte.
    #[must_use]
    pub fn dripped(self, pause: Duration) -> Self {
        Self::Drip { bytes: self.to_bytes(), pause }
    }

    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Respond { status, headers, body, keep_alive } => {
                let connection = if *keep_alive { "keep-alive" } else { "close" };
                let mut head = format!(
                    "HTTP/1.1 {status} As Scripted\r\nContent-Length: {}\r\nConnection: {connection}\r\n",
                    body.len()
                );
                for (name, value) in headers {
                    write!(head, "{name}: {value}\r\n")
                        .expect("writing into a string does not fail");
                }
                head.push_str("\r\n");
                [head.as_bytes(), body].concat()
            }
            Self::Bytes(bytes) | Self::Drip { bytes, .. } => bytes.clone(),
            _ => Vec::new(),
        }
    }
}

/// A TCP server on a free loopback port. It follows a script, which has one [`Answer`] for each request.
///
/// The last answer is repeated. Dropping the server closes every connection and joins its threads.
#[derive(Debug)]
pub struct ScriptedServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl ScriptedServer {
    /// Starts a server. With an empty script it answers every request with 200.
    ///
    /// # Panics
    ///
    /// When the machine has no free port or no thread.
    #[track_caller]
    pub fn start(script: impl IntoIterator<Item = Answer>) -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), script)
    }

    /// Starts a server as [`start`](Self::start) does, at a given address.
    ///
    /// # Panics
    ///
    /// When another process listens at the address, or the machine has no thread.
    #[track_caller]
    pub fn start_at(address: SocketAddr, script: impl IntoIterator<Item = Answer>) -> Self {
        let state = State { script: script.into_iter().collect(), ..State::default() };
        Self::start_with(address, state, None)
    }

    /// Starts a server whose `handler` chooses each answer after the request was read. The server records no request.
    ///
    /// # Panics
    ///
    /// When the machine has no free port or no thread.
    #[track_caller]
    pub(crate) fn answering(
        handler: impl Fn(&RecordedRequest) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        Self::start_with(address, State::default(), Some(Box::new(handler)))
    }

    #[track_caller]
    fn start_with(address: SocketAddr, state: State, handler: Option<Handler>) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        let address = listener.local_addr().expect("the address just bound");
        let shared =
            Arc::new(Shared { handler, state: Mutex::new(state), changed: Condvar::new() });
        let acceptor = spawn("scripted-accept", {
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self { address, shared, acceptor: Some(acceptor) }
    }

    /// The address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:<port>`. No slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, in the order in which the server read them.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.lock().requests.clone()
    }

    /// The number of connections so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().accepted
    }

    /// Waits until at least `count` requests were read, and returns all of them.
    ///
    /// # Panics
    ///
    /// When `within` passes before the server has read `count` requests.
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize, within: Duration) -> Vec<RecordedRequest> {
        let deadline = waiting::now() + within;
        let mut state = self.shared.lock();
        while state.requests.len() < count {
            let left = deadline.saturating_duration_since(waiting::now());
            assert!(
                !left.is_zero(),
                "{} of {count} requests within {within:?}",
                state.requests.len()
            );
            self.shared.changed.wait_for(&mut state, left);
        }
        state.requests.clone()
    }

    /// Releases one [`Held`](Answer::Held) answer: one that waits, or the next one if none waits.
    pub fn release(&self) {
        self.shared.lock().releases += 1;
        self.shared.changed.notify_all();
    }

    /// Adds an answer to the end of the script.
    pub fn push(&self, answer: Answer) {
        self.shared.lock().script.push_back(answer);
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        let workers = {
            let mut state = self.shared.lock();
            state.stopped = true;
            for stream in &state.open {
                stream.shutdown(Shutdown::Both).ok(); // it may be closed already
            }
            std::mem::take(&mut state.workers)
        };
        self.shared.changed.notify_all();
        TcpStream::connect(self.address).ok(); // wakes the acceptor
        for thread in self.acceptor.take().into_iter().chain(workers) {
            thread.join().ok();
        }
    }
}

/// Chooses the answer to a request.
type Handler = Box<dyn Fn(&RecordedRequest) -> Answer + Send + Sync>;

struct Shared {
    /// Chooses the answers when there is no script.
    handler: Option<Handler>,
    state: Mutex<State>,
    /// Notified at every change of `requests`, `releases` and `stopped`.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Answer>,
    /// The answer that is repeated after the end of the script.
    last: Option<Answer>,
    requests: Vec<RecordedRequest>,
    accepted: usize,
    /// The number of held answers that may be sent.
    releases: usize,
    stopped: bool,
    /// Every accepted connection, so that dropping the server can close it and end its thread.
    open: Vec<TcpStream>,
    workers: Vec<JoinHandle<()>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn next_answer(&self) -> Answer {
        let mut state = self.lock();
        if let Some(answer) = state.script.pop_front() {
            state.last = Some(answer);
        }
        state.last.clone().unwrap_or_else(|| Answer::status(200))
    }

    fn record(&self, request: RecordedRequest) {
        self.lock().requests.push(request);
        self.changed.notify_all();
    }

    /// Waits until `done` returns true, and returns true. Returns false when the server is dropped.
    fn wait_until(&self, mut done: impl FnMut(&mut State) -> bool) -> bool {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return false;
            }
            if done(&mut state) {
                return true;
            }
            self.changed.wait(&mut state);
        }
    }

    fn wait_for_release(&self) -> bool {
        self.wait_until(|state| match state.releases.checked_sub(1) {
            Some(left) => {
                state.releases = left;
                true
            }
            None => false,
        })
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let Ok(handle) = stream.try_clone() else { continue };
        let mut state = shared.lock();
        if state.stopped {
            return;
        }
        let connection = state.accepted;
        state.accepted += 1;
        state.open.push(handle);
        let shared = Arc::clone(shared);
        state.workers.push(spawn("scripted-connection", move || {
            serve_connection(&stream, &shared, connection).ok(); // the client may close it at any time
            // `state.open` has another handle of the connection, which would keep it open.
            stream.shutdown(Shutdown::Both).ok();
        }));
    }
}

/// Answers the requests of one connection until either side closes it.
fn serve_connection(stream: &TcpStream, shared: &Shared, connection: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    if let Some(handler) = &shared.handler {
        while let Some(mut request) = RecordedRequest::read_head(&mut reader, connection)? {
            request.read_body(&mut reader)?;
            if !send_answer(&handler(&request), stream, shared)? {
                break;
            }
        }
        return Ok(());
    }
    // The answer is chosen before the request is read, because some answers read nothing.
    let mut answer = shared.next_answer();
    loop {
        if !serve_request(&answer, stream, &mut reader, shared, connection)? {
            return Ok(());
        }
        if reader.fill_buf()?.is_empty() {
            return Ok(()); // the client closed it
        }
        answer = shared.next_answer();
    }
}

/// Reads one request and answers it. Returns whether the connection stays open.
fn serve_request(
    answer: &Answer,
    mut stream: &TcpStream,
    reader: &mut BufReader<&TcpStream>,
    shared: &Shared,
    connection: usize,
) -> io::Result<bool> {
    match answer {
        Answer::CloseAtOnce => return Ok(false),
        Answer::HangUnread => return Ok(shared.wait_until(|_| false)),
        _ => {}
    }
    let Some(mut request) = RecordedRequest::read_head(reader, connection)? else {
        return Ok(false);
    };
    if *answer == Answer::CloseAfterHead {
        shared.record(request);
        return Ok(false);
    }
    if request.header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    request.read_body(reader)?;
    shared.record(request);
    send_answer(answer, stream, shared)
}

/// Answers a request that was read. Returns whether the connection stays open.
fn send_answer(mut answer: &Answer, mut stream: &TcpStream, shared: &Shared) -> io::Result<bool> {
    while let Answer::Held(inner) = answer {
        if !shared.wait_for_release() {
            return Ok(false);
        }
        answer = inner;
    }
    match answer {
        Answer::Hang => Ok(shared.wait_until(|_| false)),
        Answer::Drip { bytes, pause } => {
            for byte in bytes {
                stream.write_all(&[*byte])?;
                waiting::sleep(*pause);
            }
            Ok(false)
        }
        _ => {
            stream.write_all(&answer.to_bytes())?;
            Ok(matches!(answer, Answer::Respond { keep_alive: true, .. }))
        }
    }
}

#[track_caller]
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).expect("the machine gives a thread")
}
