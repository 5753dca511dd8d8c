//! Guards the HTTP server from outside, over real sockets. The tests of the crate `gateway` guard its limits.
#![forbid(unsafe_code)]

mod connections;
mod support;
