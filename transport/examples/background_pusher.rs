//! Counts twenty times a second and pushes five times a second, until SIGTERM or SIGINT.
//!
//! ```text
//! cargo run --package prompush --example background_pusher -- http://localhost:9091 my-job
//! ```
//!
//! The program prints `recorded <N>` after each tick. When the signal comes it makes a last push within five seconds and
//! prints `total <N>`: what the gateway holds then. `cargo xtask e2e` takes the gateway away meanwhile.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use prompush::{Pusher, Registry};
use signal_hook::consts::{SIGINT, SIGTERM};

const TICK: Duration = Duration::from_millis(50);
const PUSH_INTERVAL: Duration = Duration::from_millis(200);
const LAST_PUSH_WITHIN: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(gateway), Some(job)) = (arguments.next(), arguments.next()) else {
        return Err("usage: background_pusher <gateway URL> <job>".into());
    };
    let registry = Registry::new();
    let ticks = registry.counter("background_ticks_total", "Ticks counted in the background.")?;
    let pusher = Pusher::builder(&gateway, &job)?.interval(PUSH_INTERVAL).spawn(registry)?;

    // Relaxed is enough for the flag: nothing else is read on the strength of it.
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let mut stdout = std::io::stdout();
    for _ in crossbeam_channel::tick(TICK) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        ticks.inc();
        writeln!(stdout, "recorded {}", ticks.get())?;
    }
    pusher.shutdown(LAST_PUSH_WITHIN)?;
    writeln!(stdout, "total {}", ticks.get())?;
    Ok(())
}
