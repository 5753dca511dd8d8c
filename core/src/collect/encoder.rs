//! The encoder: its buffer, and the place of each family in it.

use std::ops::Range;

use crate::error::EncodeError;
use crate::exposition::Format;
use crate::exposition::protobuf::wire;

/// Encodes sources in one exposition format.
///
/// An encoder that is used again allocates nothing if its buffer is large enough. Families are sorted
/// by name, so that equal states give equal bytes.
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
    pub(in crate::collect) format: Format,
    pub(in crate::collect) out: Vec<u8>,
    /// Where each family stands in `out`, in the order of `out`. That order is the order of the
    /// names once an encode is done.
    pub(in crate::collect) family_spans: Vec<FamilySpan>,
    pub(in crate::collect) samples: usize,
    /// The other buffer for sorting families; an encode uses it again instead of allocating.
    scratch: Vec<u8>,
}

/// Where one family stands in the encoder's buffer.
#[derive(Clone, Debug)]
pub(in crate::collect) struct FamilySpan {
    /// Where the family's name stands.
    pub(in crate::collect) name: Range<usize>,
    pub(in crate::collect) start: usize,
    pub(in crate::collect) end: usize,
    /// How many bytes at `start` are left free for the length of the protobuf message: 0 in text.
    pub(in crate::collect) length_width: usize,
}

impl Encoder {
    /// An encoder for `format` with an empty buffer.
    pub fn new(format: Format) -> Self {
        Self { format, ..Self::default() }
    }

    /// The format of the expositions.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The exposition of the last encode.
    pub fn as_bytes(&self) -> &[u8] {
        &self.out
    }

    /// The number of families in the last encode.
    pub fn families(&self) -> usize {
        self.family_spans.len()
    }

    /// The number of samples in the last encode, that is, of lines with a value in a text format.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The name and the bytes of each family in the last encode, sorted by name.
    pub fn chunks(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.family_spans.iter().map(|span| {
            let name = std::str::from_utf8(&self.out[span.name.clone()]).unwrap_or_default();
            (name, &self.out[span.start..span.end])
        })
    }

    /// Empties the buffer for a new exposition.
    pub(in crate::collect) fn start(&mut self) {
        self.out.clear();
        self.family_spans.clear();
        self.samples = 0;
    }

    /// Ends the exposition: sorts the families and writes what follows them.
    ///
    /// # Errors
    /// [`EncodeError::DuplicateFamily`] if two families have the same name.
    pub(in crate::collect) fn finish(&mut self) -> Result<(), EncodeError> {
        self.end_family();
        self.sort()?;
        if self.format == Format::OpenMetrics {
            self.out.extend_from_slice(b"# EOF\n");
        }
        Ok(())
    }

    /// Ends the family that was begun last, if there is one.
    pub(in crate::collect) fn end_family(&mut self) {
        let Some(last) = self.family_spans.last_mut() else { return };
        if last.length_width > 0 {
            let moved = wire::set_length(&mut self.out, last.start, last.length_width);
            last.name = last.name.start.saturating_add_signed(moved)
                ..last.name.end.saturating_add_signed(moved);
            last.length_width = 0;
        }
        last.end = self.out.len();
    }

    fn sort(&mut self) -> Result<(), EncodeError> {
        let Self { out, family_spans, scratch, .. } = self;
        let name = |span: &FamilySpan| &out[span.name.clone()];
        if !family_spans.is_sorted_by(|a, b| name(a) < name(b)) {
            family_spans.sort_by(|a, b| name(a).cmp(name(b)));
            if let Some([duplicate, _]) =
                family_spans.windows(2).find(|pair| name(&pair[0]) == name(&pair[1]))
            {
                let name = String::from_utf8_lossy(name(duplicate)).into_owned();
                return Err(EncodeError::DuplicateFamily(name));
            }
            scratch.clear();
            for span in family_spans.iter_mut() {
                let start = scratch.len();
                scratch.extend_from_slice(&out[span.start..span.end]);
                let name_start = start + (span.name.start - span.start);
                span.name = name_start..name_start + span.name.len();
                (span.start, span.end) = (start, scratch.len());
            }
            std::mem::swap(out, scratch);
        }
        Ok(())
    }
}
