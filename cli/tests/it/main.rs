//! Guards what a person or a script sees of the command line: the whole process, its output and exit codes,
//! against our own gateway, both real ones, and servers that misbehave.
#![forbid(unsafe_code)]

mod support;

mod access;
mod bodies;
mod bridge;
mod check;
mod demo;
mod faults;
mod gateway;
mod gc;
mod generate_docs;
mod guide;
mod help;
mod mistakes;
mod readme;
mod round_trips;
mod run;

mod spool;
