//! A program that records and pushes, as any program would with the library.

use std::io::{self, Write as _};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use prompush::{Buckets, Counter, GatewayConfig, Histogram, Pusher, Registry, RegistryError};

use super::now;
use crate::args::{DemoWorkerArgs, LogLevel};
use crate::error::CliError;
use crate::output::logger;
use crate::signals::{self, SignalThread};

/// The counter that is compared: what a worker says it recorded, and what the gateway holds.
pub(super) const ITEMS: &str = "demo_items_processed_total";
/// How a line begins by which a worker reports its total.
pub(super) const REPORT: &str = "recorded ";

/// Time between two items.
const WORK_INTERVAL: Duration = Duration::from_millis(25);
/// How long the last push may take.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &DemoWorkerArgs) -> Result<(), CliError> {
    logger::init(LogLevel::Warn);
    let (sender, stop) = channel();
    let _signals = SignalThread::start(&signals::ENDING, move |signal| {
        sender.send(signal).ok(); // nobody listens once the work is over
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

    let start = now();
    while start.elapsed() < args.ends_after {
        match stop.recv_timeout(WORK_INTERVAL) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(_) | Err(RecvTimeoutError::Disconnected) => break,
        }
        seconds.observe(WORK_INTERVAL.as_secs_f64());
        items.inc();
        // Nobody to report to: the demo has gone, so this program goes as well.
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
