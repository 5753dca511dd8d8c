//! Guards the receiver of OTLP: that it answers at once whatever happens behind it, that every process is one
//! instance, and that traces go on as they came. With real sockets, and clients that are processes of their own.
#![cfg(feature = "serve")]
#![forbid(unsafe_code)]

mod client;
mod support;

mod answering;
mod identity;
mod traces;
