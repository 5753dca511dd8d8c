//! The tests of the servers that other tests build on.

mod model_server;
mod real_servers;
mod scripted_server;
