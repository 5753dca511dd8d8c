//! The text of a scrape: our own metric families and the pushed ones, sorted by name.

use prompush_core::{Encoder, MetricType, text};

use crate::own_metrics;
use crate::store::metric_store::MetricStore;

/// The `Content-Type` of a scrape, as Pushgateway 1.11.2 writes it.
pub(crate) const CONTENT_TYPE: &str =
    "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/// The text of all metric families. `own` holds our own families in the text format.
pub(crate) fn write_exposition(store: &mut MetricStore, own: &Encoder) -> Vec<u8> {
    /// Room for the `# HELP` and `# TYPE` lines of the pushed families, so that the text rarely has to move.
    const HEADS_BYTES: usize = 64 << 10;
    let capacity = store.bytes() + own.as_bytes().len() + HEADS_BYTES;
    let mut out = Vec::with_capacity(capacity);
    let mut own = own.chunks().peekable();
    for (name, family) in store.families() {
        while let Some((_, text)) = own.next_if(|(own_name, _)| *own_name < name) {
            out.extend_from_slice(text);
        }
        // A push to one of our own families adds its samples to ours. The store has checked that the types are equal.
        if let Some((_, text)) = own.next_if(|(own_name, _)| *own_name == name) {
            out.extend_from_slice(text);
        } else {
            let help = own_metrics::push_time_help(name).or(family.help());
            write_head(&mut out, name, help, family.metric_type());
        }
        family.write_samples(&mut out);
    }
    for (_, text) in own {
        out.extend_from_slice(text);
    }
    out
}

/// Appends the `# HELP` and `# TYPE` lines of a pushed family.
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
