//! The accounting of one instance: what one program has exported so far, as the samples to push.

mod family_table;
mod gather;
mod ingest;
mod own_families;
mod series;
mod source;
mod state;
mod stream_id;
mod streams;

pub use ingest::Ingested;
pub use source::Instance;
