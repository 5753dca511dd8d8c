//! Support for the tests: processes, gateways, bridges, wrapped commands and fixtures.

mod bridge;
mod fixtures;
mod gateway;
mod process;
mod run;

pub(crate) use bridge::Bridge;
pub(crate) use fixtures::{otlp_body, otlp_file, scrape_body};
pub(crate) use gateway::{OurGateway, address, exposed, for_each_gateway, value, wait_for_lines};
pub(crate) use process::{Process, Run, WAIT_MAX, now, program, prompush, run, run_command};
pub(crate) use run::{Gptme, POST, bare, wrapped};
