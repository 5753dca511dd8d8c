//! `prompush gc`: deletes groups that have expired.

mod report;

use std::sync::mpsc::{RecvTimeoutError, channel};

use prompush::{Gateway, GcEvent, GcOptions};

use crate::args::GcArgs;
use crate::error::CliError;
use crate::output::terminal::{print_error, print_warning};
use crate::resolve;
use crate::signals::SignalThread;
use report::{print_deleted, print_summary};

pub(crate) fn run(args: &GcArgs) -> Result<(), CliError> {
    check(args)?;
    let options = GcOptions::default()
        .selector(resolve::group_selector(args.job.as_deref(), &args.group)?)
        .older_than(args.older_than)
        .dry_run(args.dry_run);
    let gateway = resolve::gateway(&args.gateway, |config| config)?;
    let Some(every) = args.every else { return round(args, &gateway, &options) };
    let (sender, stop) = channel();
    let _signals = SignalThread::start(&crate::signals::ENDING, move |signal| {
        sender.send(signal).ok(); // the receiver is dropped when the command ends
    })?;
    loop {
        match round(args, &gateway, &options) {
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
            let (value, expected) = ("0".to_owned(), "a time longer than 0");
            return Err(CliError::Argument { argument, value, expected });
        }
    }
    Ok(())
}

/// Deletes the expired groups once, and prints a report.
///
/// # Errors
/// [`CliError`] if the groups cannot be listed, or if a group could not be deleted.
fn round(args: &GcArgs, gateway: &Gateway, options: &GcOptions) -> Result<(), CliError> {
    let mut report = gateway.gc(options, |event| match event {
        GcEvent::LocalClock => {
            print_warning(
                "the gateway does not send the time: ages are measured with the clock of this machine",
            );
            Ok(())
        }
        GcEvent::Deleted(expired) => print_deleted(args, expired),
        GcEvent::Failed(_, error) => {
            print_warning(&error.to_string());
            Ok(())
        }
        _ => Ok(()),
    })?;
    print_summary(args, gateway, &report)?;
    match report.failed.pop() {
        None => Ok(()),
        Some((_, error)) => Err(error.into()),
    }
}
