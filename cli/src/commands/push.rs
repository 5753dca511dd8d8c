//! `prompush push`: reads metrics, checks them, and pushes them.

use prompush_core::check::{ParsedBodies, Severity};
use prompush_core::{Encoder, Format, GroupingKey};

use crate::args::PushArgs;
use crate::body::diagnostic::show_errors;
use crate::body::input::{self, Input};
use crate::body::parse;
use crate::commands::spool::send_spooled_files;
use crate::error::CliError;
use crate::output::terminal::{print_message, print_warning, write_stdout};
use crate::plural::count;
use crate::resolve;

pub(crate) fn run(args: &PushArgs) -> Result<(), CliError> {
    // An error of the command line must be reported before stdin is read.
    let key = resolve::grouping_key(&args.job, &args.group)?;
    let mut gateway = resolve::gateway(&args.gateway, |config| {
        let body_bytes_max = config.body_bytes_max.max(args.body.input_bytes_max);
        config.gzip(args.gzip).body_bytes_max(body_bytes_max)
    })?;
    let spool_dir = resolve::spool_dir(&args.spool)?;
    if let Some(dir) = &spool_dir {
        gateway = gateway.spool(dir);
    }
    let inputs = input::read(&args.body)?;
    let body = checked(args, &key, &inputs)?;
    if args.dry_run {
        return dry_run(args, &key, &body, &gateway.url().to_string());
    }
    let report = if args.add {
        gateway.add(&key, &body.exposition)?
    } else {
        gateway.push(&key, &body.exposition)?
    };
    if !args.quiet {
        let verb = if args.add { "added" } else { "pushed" };
        let attempts = match report.attempts {
            1 => String::new(),
            attempts => format!(" ({attempts} attempts)"),
        };
        print_message(&format!(
            "{verb} {}, {} to {} at {}{attempts}",
            count(report.families, "metric family", "metric families"),
            count(report.samples, "sample", "samples"),
            crate::output::escape::escape_control(&key.to_string()),
            gateway.url(),
        ));
    }
    if let Some(dir) = &spool_dir {
        send_spooled_files(&gateway, dir);
    }
    Ok(())
}

/// The metrics of the inputs, if they can be pushed to `key`.
fn checked<'a>(
    args: &PushArgs,
    key: &GroupingKey,
    inputs: &'a [Input],
) -> Result<ParsedBodies<'a>, CliError> {
    let mut body = parse::parse(inputs)?;
    if args.drop_timestamps {
        body.drop_timestamps();
    }
    let mut found = std::mem::take(&mut body.parse_errors);
    // Lines that cannot be read make every further finding uncertain, so they come first alone.
    if found.is_empty() {
        found = body.check_push(Some(key));
    }
    let (errors, warnings): (Vec<_>, Vec<_>) =
        parse::with_texts(found).into_iter().partition(|found| found.severity == Severity::Error);
    if !errors.is_empty() {
        show_errors(&errors, inputs);
        return Err(CliError::Invalid { errors: errors.len() });
    }
    if body.exposition.families.is_empty() && !args.allow_empty {
        return Err(CliError::Empty { replaces: !args.add });
    }
    if let (Some(first), false) = (warnings.first(), args.quiet) {
        let others = match warnings.len() {
            1 => String::new(),
            all => format!(" (and {} more; `prompush check` shows all)", all - 1),
        };
        print_warning(&format!("{}{others}", first.message));
    }
    Ok(body)
}

/// Prints the request instead of sending it.
fn dry_run(
    args: &PushArgs,
    key: &GroupingKey,
    body: &ParsedBodies<'_>,
    url: &str,
) -> Result<(), CliError> {
    let method = if args.add { "POST" } else { "PUT" };
    let mut encoder = Encoder::new(Format::Text);
    let encoded = encoder.encode(&body.exposition);
    let text = encoded.map_err(CliError::Encode)?;
    print_message(&format!("{method} {}{}", url.trim_end_matches('/'), key.to_path()));
    write_stdout(|stdout| stdout.write_all(text))
}
