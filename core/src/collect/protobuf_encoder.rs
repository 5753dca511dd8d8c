//! Families in delimited protobuf.
//!
//! Source: `prometheus/client_model`, `metrics.proto`.

use crate::collect::encoder::{Encoder, FamilySpan};
use crate::exposition::protobuf::encode::{
    plain_type, type_number, write_live_histogram, write_live_summary, write_metric,
};
use crate::exposition::protobuf::schema::family;
use crate::exposition::protobuf::wire::{
    bytes_field, leave_room, message_field, varint_field, varint_width,
};
use crate::exposition::{FamilyType, MetricFamily};

/// The assumed length in bytes of a family whose length is not known. As a varint it takes two bytes,
/// which is the middle of the likely one to three bytes.
const LENGTH_GUESS: usize = 1 << 10;

impl Encoder {
    /// Begins a family whose message takes about `length` bytes.
    pub(crate) fn begin_protobuf_family(
        &mut self,
        name: &str,
        help: Option<&str>,
        family_type: FamilyType,
        length: usize,
    ) {
        self.end_family();
        let out = &mut self.out;
        let start = out.len();
        let length_width = varint_width(length as u64);
        leave_room(out, length_width);
        bytes_field(out, family::NAME, name.as_bytes());
        let name = out.len() - name.len()..out.len();
        if let Some(help) = help {
            bytes_field(out, family::HELP, help.as_bytes());
        }
        varint_field(out, family::TYPE, type_number(plain_type(family_type)));
        self.family_spans.push(FamilySpan { name, start, end: start, length_width });
    }

    /// The writer of one series. `prefix` is what `write_series_prefix` wrote for the series.
    #[inline]
    pub(crate) fn series_writer<'a>(&'a mut self, prefix: &'a [u8]) -> SeriesWriter<'a> {
        SeriesWriter { out: &mut self.out, samples: &mut self.samples, prefix }
    }

    /// Writes a family whose metrics are messages of another library. Each metric comes with its
    /// number of samples.
    #[cfg(feature = "native-histograms")]
    pub(crate) fn write_foreign_family<'a, M: prost::Message + 'a>(
        &mut self,
        name: &str,
        help: Option<&str>,
        metric_type: crate::exposition::MetricType,
        metrics: impl Iterator<Item = (&'a M, usize)>,
    ) -> Result<(), prost::EncodeError> {
        self.begin_protobuf_family(name, help, FamilyType::Plain(metric_type), LENGTH_GUESS);
        for (metric, samples) in metrics {
            self.out.push(crate::exposition::protobuf::wire::bytes_key(family::METRIC));
            metric.encode_length_delimited(&mut self.out)?;
            self.samples += samples;
        }
        Ok(())
    }

    /// Writes a family that was read from a body.
    pub(crate) fn write_protobuf_family(&mut self, family: &MetricFamily<'_>) {
        let family_type = FamilyType::Plain(family.metric_type);
        let help = family.help.as_deref();
        self.begin_protobuf_family(&family.name, help, family_type, LENGTH_GUESS);
        for metric in &family.metrics {
            message_field(&mut self.out, family::METRIC, 1, |out| {
                write_metric(out, family.metric_type, metric);
            });
            self.samples += metric.value.samples();
        }
    }
}

/// Writes one series of a registry in protobuf.
#[derive(Debug)]
pub struct SeriesWriter<'a> {
    out: &'a mut Vec<u8>,
    samples: &'a mut usize,
    prefix: &'a [u8],
}

impl SeriesWriter<'_> {
    /// Writes the value of a counter, gauge or info.
    #[inline]
    pub(crate) fn write_number(self, value: f64) {
        self.out.extend_from_slice(self.prefix);
        self.out.extend_from_slice(&value.to_le_bytes());
        *self.samples += 1;
    }

    /// Writes a histogram. `buckets` gives each upper bound, `+Inf` last, with the number of
    /// observations in this bucket alone.
    pub(crate) fn write_histogram(self, buckets: impl Iterator<Item = (f64, u64)>, sum: f64) {
        /// The varint width of lengths from 128 to 16,383, which histograms of seven buckets and
        /// more have.
        const LENGTH_WIDTH: usize = 2;
        let Self { out, samples, prefix } = self;
        message_field(out, family::METRIC, LENGTH_WIDTH, |out| {
            out.extend_from_slice(prefix);
            *samples += write_live_histogram(out, LENGTH_WIDTH, buckets, sum) + 2;
        });
    }

    /// Writes a summary without quantiles.
    pub(crate) fn write_summary(self, sum: f64, count: u64) {
        let Self { out, samples, prefix } = self;
        message_field(out, family::METRIC, 1, |out| {
            out.extend_from_slice(prefix);
            write_live_summary(out, sum, count);
        });
        *samples += 2;
    }
}
