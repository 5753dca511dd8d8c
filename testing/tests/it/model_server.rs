//! Guards the model server: it counts exactly the usage that it told its clients.

use prompush_testing::{DEADLINE, ModelServer, Served, http, wait_until};
use serde_json::{Value, json};

/// Sends a request, and returns the events of the answer, or its JSON as the only one.
fn send(server: &ModelServer, model: &str, messages: &Value, stream: bool) -> Vec<Value> {
    let body = json!({"model": model, "messages": messages, "stream": stream}).to_string();
    let target = "/v1/chat/completions";
    let answer = http::request(server.address(), "POST", target, &[], body.as_bytes());
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    if !stream {
        return vec![answer.json()];
    }
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let text = answer.text();
    let events: Vec<&str> =
        text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
    let (last, events) = events.split_last().expect("events");
    assert_eq!(*last, "[DONE]");
    events.iter().map(|event| serde_json::from_str(event).expect("JSON")).collect()
}

fn messages(turn: usize, prompt: &str) -> Value {
    let mut messages = vec![json!({"role": "user", "content": prompt})];
    for _ in 0..turn {
        messages.push(json!({"role": "assistant", "content": "…"}));
        messages.push(json!({"role": "user", "content": [{"type": "text", "text": "…"}]}));
    }
    Value::Array(messages)
}

#[test]
fn what_is_counted_is_what_was_said() {
    let server = ModelServer::start();
    let (mut said, mut total) = (Served::default(), 0);
    for (turn, stream) in [(0, true), (1, false), (0, false), (1, true)] {
        let answer = send(&server, "a", &messages(turn, "hello"), stream);
        let usage = &answer.last().expect("something")["usage"];
        let number = |value: &Value| value.as_u64().expect("a number");
        let cached = number(&usage["prompt_tokens_details"]["cached_tokens"]);
        said += Served {
            requests: 1,
            input: number(&usage["prompt_tokens"]) - cached,
            cache_read: cached,
            output: number(&usage["completion_tokens"]),
        };
        total += number(&usage["total_tokens"]);
    }
    assert_eq!(server.served()["a"], said);
    assert_eq!((server.total(), server.total().total()), (said, total));
}

#[test]
fn a_conversation_has_a_command_and_an_end() {
    let server = ModelServer::start();
    let text = |turn, stream| {
        let answer = send(&server, "a", &messages(turn, "hello"), stream);
        let content = |event: &Value| {
            let choice = &event["choices"][0];
            let part = if stream { &choice["delta"] } else { &choice["message"] };
            part["content"].as_str().unwrap_or_default().to_owned()
        };
        answer.iter().map(content).collect::<String>()
    };
    assert!(text(0, false).ends_with("```shell\necho hello\n```"));
    assert!(text(1, false).ends_with("```complete\n```"));
    assert_eq!(text(0, true), text(0, false));
}

#[test]
fn models_are_counted_apart_and_no_two_answers_say_the_same() {
    let server = ModelServer::start();
    for model in ["a", "b"] {
        send(&server, model, &messages(0, "hello"), true);
    }
    let served = server.served();
    assert_eq!((served["a"].requests, served["b"].requests), (1, 1));
    assert_ne!(served["a"], served["b"]);
    assert_eq!(served["a"] + served["b"], server.total());
}

#[test]
fn names_are_served_without_usage() {
    let server = ModelServer::start();
    let naming = json!([{"role": "system", "content": "Generate concise conversation titles."}]);
    for stream in [false, true] {
        for event in send(&server, "a", &naming, stream) {
            assert_eq!(event["usage"], Value::Null);
        }
    }
    assert_eq!((server.names(), server.total()), (2, Served::default()));
}

#[test]
fn a_held_answer_is_not_served() {
    let server = ModelServer::start();
    send(&server, "a", &messages(0, "hold two answers"), true);
    let body = json!({"model": "a", "messages": messages(1, "hold two answers")}).to_string();
    std::thread::scope(|scope| {
        let target = "/v1/chat/completions";
        let address = server.address();
        let client = scope
            .spawn(move || http::request(address, "POST", target, &[], body.as_bytes()).is_err());
        wait_until(DEADLINE, "the request is held", || server.held() == 1);
        assert_eq!(server.total().requests, 1);
        send(&server, "a", &messages(3, "hold two answers"), true);
        assert_eq!(server.total().requests, 2);
        drop(server);
        assert!(client.join().expect("the client ends"));
    });
}
