//! `prompush gc`: deletes groups that have outlived their use.

mod report;

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime};

use prompush::{Gateway, Group, Inventory, PushError};

use crate::args::GcArgs;
use crate::error::CliError;
use crate::output::groups::sort_groups;
use crate::output::terminal::{print_error, print_warning};
use crate::resolve::{self, Selector};
use crate::signals::SignalThread;
use report::{Deleted, Report};

/// A list that took less is read anew before each deletion. A longer one serves for as long as it
/// took: reading the list of ten thousand groups takes seconds, and thousands may have to go.
const READ_ANEW_BELOW: Duration = Duration::from_millis(100);

pub(crate) fn run(args: &GcArgs) -> Result<(), CliError> {
    check(args)?;
    let collector = Collector::new(args)?;
    let Some(every) = args.every else { return collector.round()?.result() };
    let (sender, stop) = channel();
    let _signals = SignalThread::start(&crate::signals::ENDING, move |signal| {
        sender.send(signal).ok(); // it may have ended
    })?;
    loop {
        match collector.round().and_then(Report::result) {
            Ok(()) => {}
            Err(error @ (CliError::BrokenPipe | CliError::Stdout(_))) => return Err(error),
            Err(error) => print_error(&error),
        }
        match stop.recv_timeout(every) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(_) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

fn check(args: &GcArgs) -> Result<(), CliError> {
    for (argument, value) in [("--older-than", args.older_than), ("--every", args.every)] {
        if value.is_some_and(|value| value.is_zero()) {
            let (value, expected) = ("0".to_owned(), "more than nothing");
            return Err(CliError::Argument { argument, value, expected });
        }
    }
    Ok(())
}

struct Collector<'a> {
    args: &'a GcArgs,
    selector: Selector,
    gateway: Gateway,
}

/// The groups at one moment.
struct Look {
    inventory: Inventory,
    /// The gateway's clock, or ours where it does not say.
    now: SystemTime,
    taken: Instant,
    took: Duration,
}

impl Look {
    /// Whether it still says how things are.
    fn serves(&self) -> bool {
        self.took >= READ_ANEW_BELOW && self.taken.elapsed() <= self.took
    }
}

impl<'a> Collector<'a> {
    fn new(args: &'a GcArgs) -> Result<Self, CliError> {
        let selector = Selector::new(args.job.as_deref(), &args.group)?;
        let gateway = resolve::gateway(&args.gateway, |config| config)?;
        Ok(Self { args, selector, gateway })
    }

    /// Looks, deletes, and says what it did.
    fn round(&self) -> Result<Report, CliError> {
        let mut look = self.look()?;
        if look.inventory.now.is_none() {
            print_warning(
                "the gateway does not say what time it is: ages are by the clock of this machine",
            );
        }
        let mut report = Report::new(&self.gateway, self.args, look.now);
        let mut groups = look.inventory.groups.clone();
        sort_groups(&mut groups);
        for group in groups.iter().filter(|group| self.selector.matches(&group.labels)) {
            let expiry = group.expiry(look.now, self.args.older_than);
            if !expiry.is_due() {
                report.keep(expiry);
            } else if self.args.dry_run {
                report.deleted(Deleted::new(group, expiry, self.args))?;
            } else {
                self.collect(group, &mut look, &mut report)?;
            }
        }
        report.show()?;
        Ok(report)
    }

    /// Deletes a group if it is still due.
    fn collect(&self, group: &Group, look: &mut Look, report: &mut Report) -> Result<(), CliError> {
        if !look.serves() {
            *look = self.look()?;
        }
        let groups = &look.inventory.groups;
        let Some(group) = groups.iter().find(|other| other.labels == group.labels) else {
            report.gone += 1;
            return Ok(());
        };
        match group.expiry(look.now, self.args.older_than) {
            expiry if expiry.is_due() => match self.gateway.delete_group_once(group) {
                Ok(()) => report.deleted(Deleted::new(group, expiry, self.args)),
                Err(error) => {
                    report.failed(group, error);
                    Ok(())
                }
            },
            _ => {
                report.pushed_again += 1;
                Ok(())
            }
        }
    }

    fn look(&self) -> Result<Look, PushError> {
        let start = monotonic();
        let inventory = self.gateway.inventory()?;
        let taken = monotonic();
        let now = inventory.now.unwrap_or_else(wall);
        Ok(Look { inventory, now, taken, took: taken.saturating_duration_since(start) })
    }
}

#[expect(clippy::disallowed_methods, reason = "how old a look is, is measured here alone")]
fn monotonic() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "only where the gateway does not say the time")]
fn wall() -> SystemTime {
    SystemTime::now()
}
