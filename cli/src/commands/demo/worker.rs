//! A worker of the demo: a program that records and pushes with the library, as any program would.

use std::io::{self, Write as _};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use prompush::{Buckets, Counter, GatewayConfig, Histogram, Pusher, Registry, RegistryError};
use prompush_core::clock::{Clock as _, SystemClock};

use crate::args::{DemoWorkerArgs, LogLevel};
use crate::error::CliError;
use crate::output::logger;
use crate::signals::{self, SignalThread};

/// The counter of a worker. The demo compares what the worker reports with what the gateway holds.
pub(super) const ITEMS: &str = "demo_items_processed_total";
/// The beginning of a line in which a worker reports its total.
pub(super) const REPORT: &str = "recorded ";

/// Time between two items.
const WORK_INTERVAL: Duration = Duration::from_millis(25);
/// Limit to the time of the last push.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &DemoWorkerArgs) -> Result<(), CliError> {
    logger::init(LogLevel::Warn);
    let (sender, stop) = channel();
    let _signals = SignalThread::start(&signals::ENDING, move |signal| {
        sender.send(signal).ok(); // the receiver is dropped when the work is over
    })?;

    let registry = Registry::new();
    let (items, seconds) = metrics(&registry).map_err(|error| CliError::Demo(error.to_string()))?;
    let config = GatewayConfig::default().proxy_from_environment(!args.no_proxy);
    let mut builder = Pusher::builder(&args.gateway, &args.job)
        .map_err(CliError::Gateway)?
        .group("instance", &args.instance)
        .interval(args.interval)
        .config(config);
    if let Some(ttl) = args.ttl {
        builder = builder.ttl(ttl);
    }
    let pusher = builder.spawn(registry).map_err(CliError::Gateway)?;

    let end = SystemClock.deadline(args.ends_after);
    while SystemClock.now() < end {
        match stop.recv_timeout(WORK_INTERVAL) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(_) | Err(RecvTimeoutError::Disconnected) => break,
        }
        seconds.observe(WORK_INTERVAL.as_secs_f64());
        items.inc();
        // The demo has ended, so this worker ends, too.
        if report(items.get()).is_err() {
            break;
        }
    }
    pusher.shutdown(SHUTDOWN_DEADLINE)?;
    Ok(())
}

fn metrics(registry: &Registry) -> Result<(Counter, Histogram), RegistryError> {
    let items = registry.counter(ITEMS, "Items that this worker has processed.")?;
    let buckets = Buckets::exponential(0.01, 2.0, 5)?;
    let seconds =
        registry.histogram("demo_item_duration_seconds", "Time an item took.", buckets)?;
    Ok((items, seconds))
}

fn report(total: u64) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{REPORT}{total}")?;
    stdout.flush()
}
