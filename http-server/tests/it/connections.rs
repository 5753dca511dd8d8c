//! Guards what a handler learns about connections: both addresses, which requests arrived on which connection, and
//! when a connection ended.

use std::io::Read as _;
use std::net::TcpStream;

use crate::support::{Call, TestServer, get};

#[test]
fn the_handler_learns_the_connection_of_each_request_and_its_end() {
    let server = TestServer::start("127.0.0.1:0").expect("a free port");
    let first = TcpStream::connect(server.address).expect("a connection");
    get(&first, "/a");
    get(&first, "/b");
    let second = TcpStream::connect(server.address).expect("a connection");
    get(&second, "/c");

    let Call::Connected(one) = server.next_call() else { panic!("the first connection is new") };
    assert_eq!((one.peer(), one.local()), (first.local_addr().unwrap(), server.address));
    assert_eq!(server.next_call(), Call::Handle(one, "/a".to_owned()));
    assert_eq!(server.next_call(), Call::Handle(one, "/b".to_owned()));
    let Call::Connected(two) = server.next_call() else { panic!("the second connection is new") };
    assert_ne!(two.id(), one.id());
    assert_eq!(two.peer(), second.local_addr().unwrap());
    assert_eq!(server.next_call(), Call::Handle(two, "/c".to_owned()));

    drop(first);
    assert_eq!(server.next_call(), Call::Disconnected(one));
    // A shutdown ends the other connection.
    server.shutdown.shutdown();
    assert_eq!(server.next_call(), Call::Disconnected(two));
    assert_eq!((&second).read(&mut [0]).expect("the connection is closed"), 0);
}

#[test]
fn an_ipv4_client_of_an_ipv6_listener_has_its_ipv4_address() {
    // A machine without IPv6 cannot run this test.
    let Some(server) = TestServer::start("[::]:0") else { return };
    let Ok(client) = TcpStream::connect(("127.0.0.1", server.address.port())) else { return };
    let Call::Connected(connection) = server.next_call() else { panic!("the connection is new") };
    assert_eq!(connection.peer(), client.local_addr().unwrap());
    assert_eq!(connection.local(), client.peer_addr().unwrap());
}
