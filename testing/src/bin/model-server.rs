//! Runs a `ModelServer` until stdin ends. The first line on stdout is the base URL. After that, each line on
//! stdin is answered with one line of JSON: the usage served so far. The end of stdin is answered in the same way.
#![forbid(unsafe_code)]

use std::io::{self, Write as _};

use prompush_testing::{ModelServer, Served};
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let server = ModelServer::start();
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", server.base_url())?;
    for line in io::stdin().lines() {
        line?;
        writeln!(stdout, "{}", report(&server))?;
    }
    writeln!(stdout, "{}", report(&server))
}

fn report(server: &ModelServer) -> Value {
    let by_model = server.served().into_iter().map(|(model, served)| (model, shown(&served)));
    let by_model: serde_json::Map<String, Value> = by_model.collect();
    json!({"total": shown(&server.total()), "models": by_model, "names": server.names(), "held": server.held()})
}

fn shown(served: &Served) -> Value {
    json!({
        "requests": served.requests,
        "input": served.input,
        "cache_read": served.cache_read,
        "output": served.output,
        "total": served.total(),
    })
}
