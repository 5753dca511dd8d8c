//! Where metric families come from.

use std::sync::Arc;

use crate::collect::encoder::Encoder;
use crate::error::EncodeError;
use crate::exposition::format::Format;
use crate::exposition::metric_family::Exposition;

/// Anything whose metric families can be encoded: our own registry, a `prometheus_client` one, a
/// parsed body, or several of these.
///
/// Families of one name in two sources are an error, not a merge.
pub trait Source: Send + Sync {
    /// Writes all families into `encoder`.
    ///
    /// # Errors
    /// [`EncodeError`] if the source cannot be read.
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError>;
}

impl Encoder {
    /// Encodes `source`, in place of what was encoded before.
    ///
    /// # Errors
    /// [`EncodeError`] if a source cannot be read, or two hold a family of one name.
    pub fn encode(&mut self, source: &(impl Source + ?Sized)) -> Result<&[u8], EncodeError> {
        self.start();
        source.gather(self)?;
        self.finish()?;
        Ok(self.as_bytes())
    }
}

impl<S: Source + ?Sized> Source for &S {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        (**self).gather(encoder)
    }
}

impl<S: Source + ?Sized> Source for Arc<S> {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        (**self).gather(encoder)
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        (**self).gather(encoder)
    }
}

impl<S: Source> Source for Vec<S> {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        self.iter().try_for_each(|source| source.gather(encoder))
    }
}

impl<A: Source, B: Source> Source for (A, B) {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        self.0.gather(encoder)?;
        self.1.gather(encoder)
    }
}

impl<A: Source, B: Source, C: Source> Source for (A, B, C) {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        self.0.gather(encoder)?;
        self.1.gather(encoder)?;
        self.2.gather(encoder)
    }
}

impl Source for Exposition<'_> {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        for family in &self.families {
            match encoder.format() {
                Format::Text | Format::OpenMetrics => encoder.write_text_family(family),
                Format::Protobuf => encoder.write_protobuf_family(family),
            }
        }
        Ok(())
    }
}

/// The exposition in text 0.0.4.
pub fn to_string(exposition: &Exposition<'_>) -> String {
    let mut encoder = Encoder::new(Format::Text);
    // An exposition has each family once, so that nothing can go wrong.
    let text = encoder.encode(exposition).unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}
