//! Guards the gateway from outside, over real sockets.
#![forbid(unsafe_code)]

mod differential;
mod expiry;
mod facts;
mod faults;
mod http;
mod prometheus;
mod support;
