//! The accounting of one instance: exports of one program in, totals of its series out.
//!
//! An export passes through these steps:
//! 1. `ingest` visits every point. It translates the names, applies the rules, and decides how
//!    values are aggregated.
//! 2. `family_table` finds or creates the series for the labels that are left.
//! 3. `streams` compares the value with the last value of the same stream, and so recognizes
//!    restarts, repetitions and forks. A stream is a series as the program sends it, before rules
//!    drop attributes.
//! 4. `gather` adds up each series when it is pushed: its base, plus the last value of each of its
//!    streams.
//!
//! A restart moves the last value of a stream into the base of its series. So the total of a
//! counter never falls.

mod family_table;
mod gather;
mod ingest;
mod own_families;
mod series;
mod source;
mod state;
mod streams;

pub use ingest::Ingested;
pub use source::Instance;
