//! Where metric families come from.

use std::sync::Arc;

use crate::encoder::Encoder;
use crate::error::EncodeError;
use crate::exposition::Exposition;

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
            encoder.exposition_family(family);
        }
        Ok(())
    }
}
