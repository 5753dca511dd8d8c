//! The encoder: families in, one exposition out.

mod kept_series;
mod protobuf;
mod text;
mod wire;

use std::ops::Range;

use crate::error::EncodeError;
use crate::exposition::MetricFamily;
use crate::format::Format;
use crate::source::Source;

pub(crate) use kept_series::{FamilyParts, KeptSeries, OVERFLOW_SLOT, SeriesParts};
pub(crate) use protobuf::SeriesWriter;
pub(crate) use text::BoundText;

/// Writes sources in one exposition format, into a buffer that is kept for the next time.
///
/// Families come out sorted by name, so that the same state gives the same bytes.
///
/// ```
/// use prompush_core::{Encoder, Format, Registry};
///
/// let registry = Registry::new();
/// registry.counter("rows_total", "Rows.")?.inc();
/// let mut encoder = Encoder::new(Format::Text);
/// assert_eq!(
///     encoder.encode(&registry)?,
///     b"# HELP rows_total Rows.\n# TYPE rows_total counter\nrows_total 1\n",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Encoder {
    format: Format,
    out: Vec<u8>,
    /// In the order of `out`; after [`encode`](Self::encode) sorted by name.
    chunks: Vec<Chunk>,
    samples: usize,
    /// For reordering, kept for the next time.
    scratch: Vec<u8>,
}

/// The bytes of one family.
#[derive(Clone, Debug)]
struct Chunk {
    /// Where its name stands in `out`.
    name: Range<usize>,
    start: usize,
    end: usize,
    /// How many bytes at `start` are left for the length of what follows: none in text.
    length_width: usize,
}

impl Encoder {
    /// An encoder for `format` with an empty buffer.
    pub fn new(format: Format) -> Self {
        Self { format, ..Self::default() }
    }

    /// The format it writes.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Encodes `source`, in place of what was encoded before.
    ///
    /// # Errors
    /// [`EncodeError`] if a source cannot be read, or two hold a family of one name.
    pub fn encode(&mut self, source: &(impl Source + ?Sized)) -> Result<&[u8], EncodeError> {
        self.out.clear();
        self.chunks.clear();
        self.samples = 0;
        source.gather(self)?;
        self.close_family();
        self.sort()?;
        if self.format == Format::OpenMetrics {
            self.out.extend_from_slice(b"# EOF\n");
        }
        Ok(&self.out)
    }

    /// What was encoded last.
    pub fn as_bytes(&self) -> &[u8] {
        &self.out
    }

    /// How many families were encoded last.
    pub fn families(&self) -> usize {
        self.chunks.len()
    }

    /// How many samples, that is lines with a value, were encoded last.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The name and the bytes of each family that was encoded last, sorted by name.
    pub fn chunks(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.chunks.iter().map(|chunk| {
            let name = std::str::from_utf8(&self.out[chunk.name.clone()]).unwrap_or_default();
            (name, &self.out[chunk.start..chunk.end])
        })
    }

    /// Writes a family that came out of a body.
    pub(crate) fn exposition_family(&mut self, family: &MetricFamily<'_>) {
        match self.format {
            Format::Text | Format::OpenMetrics => self.exposition_text(family),
            Format::Protobuf => self.exposition_protobuf(family),
        }
    }

    /// Ends the family that was begun last.
    fn close_family(&mut self) {
        let Some(last) = self.chunks.last_mut() else { return };
        if last.length_width > 0 {
            let moved = wire::set_length(&mut self.out, last.start, last.length_width);
            last.name = last.name.start.saturating_add_signed(moved)
                ..last.name.end.saturating_add_signed(moved);
            last.length_width = 0;
        }
        last.end = self.out.len();
    }

    fn sort(&mut self) -> Result<(), EncodeError> {
        let Self { out, chunks, scratch, .. } = self;
        let name = |chunk: &Chunk| &out[chunk.name.clone()];
        if !chunks.is_sorted_by(|a, b| name(a) < name(b)) {
            chunks.sort_by(|a, b| name(a).cmp(name(b)));
            if let Some([twice, _]) =
                chunks.windows(2).find(|pair| name(&pair[0]) == name(&pair[1]))
            {
                let name = String::from_utf8_lossy(name(twice)).into_owned();
                return Err(EncodeError::DuplicateFamily(name));
            }
            scratch.clear();
            for chunk in chunks.iter_mut() {
                let start = scratch.len();
                scratch.extend_from_slice(&out[chunk.start..chunk.end]);
                let name_start = start + (chunk.name.start - chunk.start);
                chunk.name = name_start..name_start + chunk.name.len();
                (chunk.start, chunk.end) = (start, scratch.len());
            }
            std::mem::swap(out, scratch);
        }
        Ok(())
    }
}
