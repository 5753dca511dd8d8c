//! Sources of metric families.

use std::sync::Arc;

use crate::collect::Encoder;
use crate::error::EncodeError;
use crate::exposition::{Exposition, Format};

/// A source of metric families for an [`Encoder`]: a [`Registry`](crate::Registry), a
/// `prometheus_client` registry, a parsed body ([`Exposition`]), or several of these in a tuple or a
/// `Vec`.
///
/// Two sources with families of the same name are an error: the families are not merged.
pub trait Source: Send + Sync {
    /// Writes all families into `encoder`.
    ///
    /// # Errors
    /// [`EncodeError`] if the source cannot be encoded.
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError>;
}

impl Encoder {
    /// Encodes `source`. The result replaces that of the last encode.
    ///
    /// # Errors
    /// [`EncodeError`] if a source cannot be encoded, or two families have the same name.
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
///
/// The text is empty if two families have the same name, which no parsed exposition has.
pub fn to_string(exposition: &Exposition<'_>) -> String {
    let mut encoder = Encoder::new(Format::Text);
    // An exposition has each family once, which leaves nothing that could fail.
    let text = encoder.encode(exposition).unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}
