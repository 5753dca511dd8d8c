//! A scraped body that a strict parser refuses, as one that it takes.
//!
//! gptme up to 0.28 writes the `# HELP` and `# TYPE` of a family once for each set of label names,
//! which a gateway answers with 400. It also has labels without bound. Both are mended here.

mod lax;
mod reduce;

use std::fmt;

use prompush::{EncodeError, Encoder, Exposition, Source};
use prompush_core::MetricFamily;

use crate::error::ScrapeError;
use crate::instance::Dropped;
use crate::rules::Rules;
use crate::sample_names::SampleNames;
use crate::tokens;

/// A strict exposition, and what was wrong with the one it was made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    exposition: Exposition<'static>,
    mended: Vec<Mend>,
    dropped: Vec<Dropped>,
}

/// Something that was mended; `Display` says it in words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mend {
    /// A further `# HELP` or `# TYPE` of a family was left out.
    Metadata {
        /// The line, from 1.
        line: usize,
        /// The family.
        family: String,
    },
    /// A line could not be read and was left out.
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A series was there twice; the last value counts.
    Duplicate {
        /// The line, from 1.
        line: usize,
        /// The family.
        family: String,
    },
    /// Timestamps, which a gateway refuses, were left out.
    Timestamps {
        /// The first family that had one.
        family: String,
    },
}

impl fmt::Display for Mend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metadata { line, family } => {
                write!(f, "line {line}: metric family `{family}` has a second HELP or TYPE")
            }
            Self::Line { line, reason } => write!(f, "line {line}: left out: {reason}"),
            Self::Duplicate { line, family } => {
                write!(f, "line {line}: a series of `{family}` is there twice")
            }
            Self::Timestamps { family } => write!(f, "metric family `{family}` has timestamps"),
        }
    }
}

/// Makes a strict exposition of `text`, in text 0.0.4 or OpenMetrics, with what `rules` leave of
/// it: series that fall together when a label is dropped are summed (of gauges the last counts),
/// and `gptme_tokens_total` is added.
///
/// # Errors
/// [`ScrapeError`] for a web page, and for a body in which nothing can be read.
pub fn merge(text: &[u8], rules: &Rules) -> Result<Merged, ScrapeError> {
    let lax::Read { families, mended } = lax::read(text)?;
    let reduce::Reduced { mut families, mended, dropped } = reduce::reduce(families, mended, rules);
    tokens::add_family(&mut families, rules);
    Ok(Merged { exposition: Exposition { families }, mended, dropped })
}

impl Merged {
    /// What was mended: at most 100 things.
    pub fn mended(&self) -> &[Mend] {
        &self.mended
    }

    /// What the rules dropped, each metric and each attribute once.
    pub fn dropped(&self) -> &[Dropped] {
        &self.dropped
    }

    /// Keeps the families of an earlier body of the same program that are not there any more, up to the limit of
    /// samples. gptme up to 0.28 withdraws its metrics seconds before it ends.
    pub(crate) fn keep_withdrawn(&mut self, earlier: &Self, rules: &Rules) {
        let mut names = SampleNames::with([reduce::DROPPED]);
        let mut samples = 0;
        for family in &self.exposition.families {
            names.take(&family.name, family.metric_type);
            samples += samples_of(family);
        }
        for family in &earlier.exposition.families {
            let with = samples + samples_of(family);
            if with <= rules.series_max() && names.take(&family.name, family.metric_type) {
                samples = with;
                self.exposition.families.push(family.clone());
            }
        }
    }

    /// The families.
    pub fn exposition(&self) -> &Exposition<'static> {
        &self.exposition
    }
}

fn samples_of(family: &MetricFamily<'_>) -> usize {
    family.metrics.iter().map(|metric| metric.value.samples()).sum()
}

impl Source for Merged {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        self.exposition.gather(encoder)
    }
}
