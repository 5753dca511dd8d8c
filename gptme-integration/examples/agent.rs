//! An agent that pretends to work, and records the metrics of a real agent.
//!
//! ```text
//! export GPTME_TELEMETRY_ENABLED=true
//! export PUSHGATEWAY_URL=http://localhost:9091
//! cargo run --package prompush-gptme --example agent -- 3
//! ```
//!
//! The argument is the number of turns. Without `PUSHGATEWAY_URL`, run it with `--features serve`:
//! it then serves its metrics at `http://localhost:8000/metrics` while it works.
#![forbid(unsafe_code)]

use std::error::Error;
use std::time::Duration;

use prompush_gptme::telemetry::{
    SkillEnd, SkillStatus, SkillUsage, Telemetry, TokenType, ToolCall, ToolFormat,
};

/// The length of a turn.
const TURN: Duration = Duration::from_millis(200);

fn main() -> Result<(), Box<dyn Error>> {
    let turns = match std::env::args().nth(1) {
        Some(turns) => turns.parse()?,
        None => 3,
    };
    let telemetry = Telemetry::from_env()?;
    work(&telemetry, turns, TURN);
    telemetry.shutdown(Duration::from_secs(5))?;
    Ok(())
}

/// Takes that many turns, each as long as `turn`.
pub(crate) fn work(telemetry: &Telemetry, turns: u64, turn: Duration) {
    telemetry.skill_invoked("greet", "example");
    for number in 0..turns {
        ask_the_model(telemetry);
        call_a_tool(telemetry, turn, number % 3 == 2);
    }
    telemetry.skill_ended(&SkillEnd {
        skill: "greet",
        surface: "example",
        status: SkillStatus::Completed,
        duration: turn * u32::try_from(turns).unwrap_or(u32::MAX),
        usage: Some(SkillUsage {
            input_tokens: 1200 * turns,
            output_tokens: 40 * turns,
            ..SkillUsage::default()
        }),
    });
}

fn ask_the_model(telemetry: &Telemetry) {
    let (provider, model) = ("anthropic", "claude-sonnet-4-5");
    telemetry.llm_request(provider, model, true);
    telemetry.tokens(TokenType::Input, 1200);
    telemetry.tokens(TokenType::Output, 40);
    telemetry.cost(provider, model, 0.004_2);
}

fn call_a_tool(telemetry: &Telemetry, turn: Duration, fails: bool) {
    let nothing = std::sync::mpsc::channel::<()>();
    nothing.1.recv_timeout(turn).ok(); // the tool at work
    telemetry.tool_call(&ToolCall {
        tool: "shell",
        format: ToolFormat::Markdown,
        error_type: fails.then_some("TimeoutError"),
        duration: turn,
    });
}
