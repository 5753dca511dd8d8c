//! A typed recorder for agents written in Rust: gptme's metrics, pushed or served.

mod catalogue;
#[cfg(feature = "serve")]
mod metrics_server;
mod recorder;

pub use catalogue::{SkillEnd, SkillStatus, SkillUsage, TokenType, ToolCall, ToolFormat};
pub use recorder::Telemetry;
