//! The text of a scrape: our own families and the pushed ones, sorted by name.

use std::iter::Peekable;

use prompush_core::{MetricType, text};

use crate::own_metrics::OwnFamily;
use crate::store::metric_store::MetricStore;

/// What a scrape is answered with, as Pushgateway 1.11.2 says it.
pub(crate) const CONTENT_TYPE: &str =
    "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/// Writes all families. `own` is sorted by name.
pub(crate) fn write_exposition(store: &mut MetricStore, own: Vec<OwnFamily>) -> Vec<u8> {
    /// Room for our own families and the heads of the pushed ones, so that the text rarely moves.
    const HEADS_BYTES: usize = 64 << 10;
    let mut out = Vec::with_capacity(store.bytes() + HEADS_BYTES);
    let mut own = own.into_iter().peekable();
    for (name, family) in store.families() {
        while let Some(before) = own.next_if(|own| own.name < name) {
            write_own(&mut out, &before);
        }
        // A pushed family of one of our names has our type (the store sees to that) and our help.
        match next_named(&mut own, name) {
            Some(ours) => write_own(&mut out, &ours),
            None => write_head(&mut out, name, help_of(name, family.help()), family.metric_type()),
        }
        family.write_samples(&mut out);
    }
    for rest in own {
        write_own(&mut out, &rest);
    }
    out
}

fn next_named(own: &mut Peekable<std::vec::IntoIter<OwnFamily>>, name: &str) -> Option<OwnFamily> {
    own.next_if(|own| own.name == name)
}

fn help_of<'a>(name: &str, pushed: Option<&'a str>) -> Option<&'a str> {
    crate::own_metrics::push_time_help(name).or(pushed)
}

fn write_own(out: &mut Vec<u8>, family: &OwnFamily) {
    write_head(out, family.name, Some(family.help), family.metric_type);
    out.extend_from_slice(&family.samples);
}

fn write_head(out: &mut Vec<u8>, name: &str, help: Option<&str>, metric_type: MetricType) {
    if let Some(help) = help {
        out.extend_from_slice(b"# HELP ");
        out.extend_from_slice(name.as_bytes());
        out.push(b' ');
        text::write_help(out, help);
        out.push(b'\n');
    }
    out.extend_from_slice(b"# TYPE ");
    out.extend_from_slice(name.as_bytes());
    out.push(b' ');
    out.extend_from_slice(metric_type.as_str().as_bytes());
    out.push(b'\n');
}
