//! Guards the scripted server, on which the tests of other crates build: it does what its script says.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use prompush_testing::{Answer, DEADLINE, ScriptedServer, http, wait_until};

#[test]
fn the_script_is_played_in_order_and_its_end_repeats() {
    let server = ScriptedServer::start([
        Answer::status(503).header("Retry-After", "7").body("busy"),
        Answer::status(202),
    ]);
    let first =
        http::request(server.address(), "PUT", "/a", &[("X-Y", "z")], b"m 1\n").expect("an answer");
    assert_eq!(
        (first.status, first.header("retry-after"), first.text().as_str()),
        (503, Some("7"), "busy")
    );
    for _ in 0..2 {
        assert_eq!(http::get(server.address(), "/b").expect("an answer").status, 202);
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!((requests[0].method.as_str(), requests[0].text().as_str()), ("PUT", "m 1\n"));
    assert_eq!(requests[0].header("x-y"), Some("z"));
    assert_eq!(requests[2].connection, 2);
}

#[test]
fn a_kept_connection_carries_the_next_request() {
    let server = ScriptedServer::start([Answer::status(200).keep_alive(), Answer::status(400)]);
    let mut stream = TcpStream::connect(server.address()).expect("a connection");
    stream.write_all(b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n").expect("sent");
    let mut answers = String::new();
    stream.read_to_string(&mut answers).expect("both answers");
    assert!(answers.starts_with("HTTP/1.1 200"), "{answers}");
    assert!(answers.contains("HTTP/1.1 400"), "{answers}");
    assert_eq!(server.connections(), 1);
    assert_eq!(server.requests()[1].connection, 0);
}

#[test]
fn closed_connections_give_no_answer() {
    for answer in [Answer::CloseAtOnce, Answer::CloseAfterHead, Answer::CloseAfterBody] {
        let server = ScriptedServer::start([answer.clone()]);
        let result = http::request(server.address(), "PUT", "/", &[], b"m 1\n");
        assert!(result.is_err(), "{answer:?}: {result:?}");
        let expected = usize::from(answer != Answer::CloseAtOnce);
        assert_eq!(server.wait_for_requests(expected, DEADLINE).len(), expected, "{answer:?}");
    }
}

#[test]
fn garbage_arrives_as_it_stands() {
    let server = ScriptedServer::start([Answer::Bytes(b"SSH-2.0\r\n\r\n".to_vec())]);
    let error = http::get(server.address(), "/").expect_err("no HTTP");
    assert_eq!(error.kind(), ErrorKind::InvalidData);
}

#[test]
fn dripped_bytes_make_a_whole_answer() {
    let answer = Answer::status(200).body("ok").dripped(Duration::from_micros(1));
    let server = ScriptedServer::start([answer]);
    assert_eq!(http::get(server.address(), "/").expect("an answer").text(), "ok");
}

#[test]
fn a_held_answer_waits_for_its_release() {
    let server = ScriptedServer::start([Answer::status(200).held()]);
    std::thread::scope(|scope| {
        let client = scope.spawn(|| http::get(server.address(), "/").expect("an answer").status);
        server.wait_for_requests(1, DEADLINE);
        assert!(!client.is_finished());
        server.release();
        assert_eq!(client.join().expect("the client ends"), 200);
    });
}

#[test]
fn dropping_the_server_ends_connections_that_hang() {
    for answer in [Answer::Hang, Answer::HangUnread, Answer::status(200).held()] {
        let server = ScriptedServer::start([answer.clone()]);
        let mut stream = TcpStream::connect(server.address()).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("sent");
        let hangs_unread = answer == Answer::HangUnread;
        server.wait_for_requests(usize::from(!hangs_unread), DEADLINE);
        wait_until(DEADLINE, "the connection is accepted", || server.connections() == 1);
        drop(server);
        let mut answer_bytes = Vec::new();
        match stream.read_to_end(&mut answer_bytes) {
            Ok(_) => assert!(answer_bytes.is_empty(), "{answer:?}"),
            Err(error) => assert_ne!(error.kind(), ErrorKind::WouldBlock, "{answer:?}"),
        }
    }
}
