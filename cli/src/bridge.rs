//! `prompush bridge`: a receiver of OTLP, scrapers, and a publisher that pushes what they collect.

pub(crate) mod options;
pub(crate) mod publisher;
pub(crate) mod service;
pub(crate) mod signals;
