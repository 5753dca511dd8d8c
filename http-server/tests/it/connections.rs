//! Guards what the host tells a handler about connections: who is at the other end, which requests came on one, and when it ended.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use prompush_http_server::{Connection, Handler, HttpServer, Limits, Request, Response, Stopper};

/// What a handler was told.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Connected(Connection),
    Request(Connection, String),
    Disconnected(Connection),
}

/// Tells the test what it was told.
struct Witness(Sender<Told>);

impl Handler for Witness {
    fn handle(&self, request: &Request) -> Response {
        assert_eq!(request.peer(), request.connection().peer());
        self.tell(Told::Request(*request.connection(), request.path().to_owned()));
        Response::empty(200)
    }

    fn connected(&self, connection: &Connection) {
        self.tell(Told::Connected(*connection));
    }

    fn disconnected(&self, connection: &Connection) {
        self.tell(Told::Disconnected(*connection));
    }
}

impl Witness {
    fn tell(&self, told: Told) {
        self.0.send(told).ok(); // the test may have seen enough
    }
}

/// A host with a witness, stopped on drop.
struct TestHost {
    address: SocketAddr,
    told: Receiver<Told>,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl TestHost {
    fn start(listen: &str) -> Option<Self> {
        let (sender, told) = channel();
        let host =
            HttpServer::bind(&[listen.to_owned()], Limits::default(), Witness(sender)).ok()?;
        let (address, stopper) = (host.addresses()[0], host.stopper());
        let run = move || host.run().expect("the host runs");
        let thread =
            std::thread::Builder::new().name("host".to_owned()).spawn(run).expect("a thread");
        Some(Self { address, told, stopper, thread: Some(thread) })
    }

    fn next(&self) -> Told {
        self.told.recv_timeout(Duration::from_secs(10)).expect("the handler is told")
    }
}

impl Drop for TestHost {
    fn drop(&mut self) {
        self.stopper.stop();
        self.thread.take().map(JoinHandle::join);
    }
}

/// Sends a request and reads the answer, which has no body.
fn ask(stream: &TcpStream, path: &str) {
    let mut writer = stream;
    write!(writer, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("it is sent");
    let end_of_head = |line: &String| !line.is_empty();
    let lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(end_of_head);
    assert!(lines.count() > 1, "an answer");
}

#[test]
fn requests_of_one_connection_name_it_and_its_end_is_told() {
    let host = TestHost::start("127.0.0.1:0").expect("a free port");
    let first = TcpStream::connect(host.address).expect("a connection");
    ask(&first, "/a");
    ask(&first, "/b");
    let second = TcpStream::connect(host.address).expect("a connection");
    ask(&second, "/c");

    let Told::Connected(one) = host.next() else { panic!("the first connection comes first") };
    assert_eq!((one.peer(), one.local()), (first.local_addr().unwrap(), host.address));
    assert_eq!(host.next(), Told::Request(one, "/a".to_owned()));
    assert_eq!(host.next(), Told::Request(one, "/b".to_owned()));
    let Told::Connected(two) = host.next() else { panic!("then the second") };
    assert_ne!(two.id(), one.id());
    assert_eq!(two.peer(), second.local_addr().unwrap());
    assert_eq!(host.next(), Told::Request(two, "/c".to_owned()));

    drop(first);
    assert_eq!(host.next(), Told::Disconnected(one));
    // A stop ends a connection as well.
    host.stopper.stop();
    assert_eq!(host.next(), Told::Disconnected(two));
    assert_eq!((&second).read(&mut [0]).expect("it is closed"), 0);
}

#[test]
fn an_ipv4_client_of_an_ipv6_listener_is_named_as_one() {
    // Where there is no IPv6 there is nothing to see.
    let Some(host) = TestHost::start("[::]:0") else { return };
    let Ok(client) = TcpStream::connect(("127.0.0.1", host.address.port())) else { return };
    let Told::Connected(connection) = host.next() else { panic!("it is told") };
    assert_eq!(connection.peer(), client.local_addr().unwrap());
    assert_eq!(connection.local(), client.peer_addr().unwrap());
}
