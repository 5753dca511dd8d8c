//! The rules that say which metrics and attributes become series, in a small language.
//!
//! ```text
//! # A comment.
//! drop attribute error_message                # of every metric
//! keep attribute error_message of my_metric*  # except of these
//! drop metric shop_internal_*
//! keep instrumentation                        # gen_ai_*, llm_*, http_*, python_*, process_*
//! limit series 5000
//! ```
//!
//! The last line that matches decides. A pattern is compared with the name in OTLP
//! (`server.address`) and with the name in Prometheus (`server_address`), and matches when either
//! does. `*` stands for any number of characters, `?` for exactly one. No metric name and no
//! attribute name of OpenTelemetry's conventions contains a `?`.

mod family_alias;
mod parser;
mod rule;
mod table;

pub use family_alias::FamilyAlias;
pub use table::Rules;
