//! Guards the HTTP server from outside, over real sockets.
#![forbid(unsafe_code)]

mod connections;
mod limits;
mod support;
