//! Guards `prompush run`: what it pushes, and that the command does not notice.

mod alerts;
mod gptme;
mod metrics;
mod otlp;
mod served;
mod signals;
mod terminal;
mod transparency;
