//! `prompush bridge` as a process, with clients that are processes too.

mod client;

mod docs;
mod ending;
mod faults;
mod identity;
mod memory;
mod scrape;
