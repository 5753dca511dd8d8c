//! A server that replaces a language model, and counts the tokens of its answers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::{Add, AddAssign};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::recorded_request::RecordedRequest;
use crate::scripted_server::{Answer, ScriptedServer};

/// A prompt with this text gets neither its second nor its third answer. The client waits until a signal ends it,
/// or until two signals have interrupted it.
const HOLD: &str = "hold two answers";

/// The text in gptme's request for the name of a conversation, in every version.
const NAMING: &str = "Generate concise conversation titles.";

/// Each answer ends with a call of a tool, in the form that gptme calls markdown. No line break follows, because gptme
/// would stop reading at the line break, and miss the usage.
const FIRST_ANSWER: &str = "I look.\n\n```shell\necho hello\n```";
const LATER_ANSWER: &str = "It says hello.\n\n```complete\n```";

/// The number of answers with a usage, and the sum of the tokens in these usages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Served {
    /// Answers with a usage.
    pub requests: u64,
    /// Tokens of prompts that were not cached.
    pub input: u64,
    /// Tokens of prompts that were cached.
    pub cache_read: u64,
    /// Tokens of answers.
    pub output: u64,
}

impl Served {
    /// All tokens, including the cached ones.
    pub fn total(&self) -> u64 {
        self.input + self.cache_read + self.output
    }
}

impl Add for Served {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            input: self.input + other.input,
            cache_read: self.cache_read + other.cache_read,
            output: self.output + other.output,
        }
    }
}

impl AddAssign for Served {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// A server of chat completions on a free loopback port. Answers are streamed if the client asks for that. A
/// conversation has two turns: the first answer calls gptme's tool `shell`, the second its tool `complete`, which
/// ends the conversation. No two answers have the same usage.
///
/// The server accepts every name of a model. It counts by this name, so a test gives each client a model name of its
/// own. A prompt with `hold two answers` gets neither the second nor the third answer. The name of a conversation is
/// served without usage, because gptme requests this name on a thread that races gptme's exit, and would count it by
/// chance.
#[derive(Debug)]
pub struct ModelServer {
    server: ScriptedServer,
    shared: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    by_model: BTreeMap<String, Served>,
    requests: u64,
    names: u64,
    held: u64,
}

impl ModelServer {
    /// Starts the server.
    ///
    /// # Panics
    ///
    /// When the machine has no free port or no thread.
    #[track_caller]
    pub fn start() -> Self {
        let shared = Arc::new(Mutex::new(State::default()));
        let state = Arc::clone(&shared);
        let server = ScriptedServer::answering(move |request| answer(request, &mut state.lock()));
        Self { server, shared }
    }

    /// The address of the server.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The base URL for a client: `http://127.0.0.1:<port>/v1`.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.server.url())
    }

    /// The usage that was served, by the name of the model.
    pub fn served(&self) -> BTreeMap<String, Served> {
        self.shared.lock().by_model.clone()
    }

    /// The usage that was served to all clients.
    pub fn total(&self) -> Served {
        self.served().into_values().fold(Served::default(), Add::add)
    }

    /// The number of conversation names that were served. [`total`](Self::total) does not count them.
    pub fn names(&self) -> u64 {
        self.shared.lock().names
    }

    /// The number of answers that are held back.
    pub fn held(&self) -> u64 {
        self.shared.lock().held
    }
}

fn answer(request: &RecordedRequest, state: &mut State) -> Answer {
    match (request.method.as_str(), request.target.as_str()) {
        ("GET", "/v1/models") => json_answer(&json!({"object": "list", "data": []})),
        ("POST", "/v1/chat/completions") => match serde_json::from_slice(&request.body) {
            Ok(request) => complete(&request, state),
            Err(error) => Answer::status(400).body(error.to_string()),
        },
        _ => Answer::status(404),
    }
}

/// The next answer of a conversation.
fn complete(request: &Value, state: &mut State) -> Answer {
    let messages: Vec<&Value> = request["messages"].as_array().into_iter().flatten().collect();
    let model = request["model"].as_str().unwrap_or_default();
    if messages.iter().any(|message| text_of(message).contains(NAMING)) {
        state.names += 1;
        return completion(request, model, "Stand-in conversation", None);
    }
    let turn = messages.iter().filter(|message| message["role"] == "assistant").count();
    if matches!(turn, 1 | 2) && messages.iter().any(|message| text_of(message).contains(HOLD)) {
        state.held += 1;
        return Answer::Hang;
    }
    let served = usage(state.requests);
    state.requests += 1;
    *state.by_model.entry(model.to_owned()).or_default() += served;
    let text = if turn == 0 { FIRST_ANSWER } else { LATER_ANSWER };
    completion(request, model, text, Some(served))
}

/// The usage in the answer to the request with this number.
fn usage(number: u64) -> Served {
    Served {
        requests: 1,
        input: 1000 + 7 * number,
        cache_read: 500 + 3 * number,
        output: 20 + number,
    }
}

/// An answer in the form that the request asks for.
fn completion(request: &Value, model: &str, text: &str, usage: Option<Served>) -> Answer {
    let usage = usage.map(|served| {
        json!({
            "prompt_tokens": served.input + served.cache_read,
            "completion_tokens": served.output,
            "total_tokens": served.total(),
            "prompt_tokens_details": {"cached_tokens": served.cache_read},
        })
    });
    if request["stream"] == true {
        return streamed(model, text, usage);
    }
    let mut answer = object("chat.completion", model);
    let message = json!({"role": "assistant", "content": text});
    answer["choices"] = json!([{"index": 0, "message": message, "finish_reason": "stop"}]);
    answer["usage"] = usage.unwrap_or_default();
    json_answer(&answer)
}

/// The answer as a stream of events, one word per event. The usage comes last, in an event without choices.
fn streamed(model: &str, text: &str, usage: Option<Value>) -> Answer {
    let chunk = |choices: Value, usage: Option<Value>| {
        let mut chunk = object("chat.completion.chunk", model);
        chunk["choices"] = choices;
        if let Some(usage) = usage {
            chunk["usage"] = usage;
        }
        format!("data: {chunk}\n\n")
    };
    let choice = |delta: Value, finish: Option<&str>| {
        chunk(json!([{"index": 0, "delta": delta, "finish_reason": finish}]), None)
    };
    let mut body = choice(json!({"role": "assistant", "content": ""}), None);
    for word in text.split_inclusive(' ') {
        body.push_str(&choice(json!({"content": word}), None));
    }
    body.push_str(&choice(json!({}), Some("stop")));
    if usage.is_some() {
        body.push_str(&chunk(json!([]), usage));
    }
    body.push_str("data: [DONE]\n\n");
    Answer::status(200).header("Content-Type", "text/event-stream").body(body)
}

/// The fields that every answer and every event has.
fn object(kind: &str, model: &str) -> Value {
    json!({"id": "stand-in", "object": kind, "created": 1_700_000_000, "model": model})
}

fn json_answer(value: &Value) -> Answer {
    Answer::status(200).header("Content-Type", "application/json").body(value.to_string())
}

/// The text of a message, which is one string or a list of parts.
fn text_of(message: &Value) -> String {
    let content = &message["content"];
    let parts = content.as_array().into_iter().flatten();
    let parts = parts.filter_map(|part| part["text"].as_str());
    content.as_str().into_iter().chain(parts).collect()
}
