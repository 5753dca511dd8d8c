//! The metrics of a scraped body.

use prompush::{EncodeError, Encoder, Exposition, Source};
use prompush_core::MetricFamily;

use crate::claimed_names::ClaimedNames;
use crate::drop_counts::DropNotice;
use crate::error::ScrapeError;
use crate::rules::Rules;
use crate::scrape::filter::{self, DROPPED_SAMPLES};
use crate::scrape::lenient;
use crate::scrape::repair::{Repairs, ScrapeRepair};

/// The metrics of a scraped body as a strict exposition, with the repairs that the body needed, and
/// notices of what the rules dropped.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScrapedMetrics {
    /// The families.
    pub exposition: Exposition<'static>,
    /// The repairs that the body needed: the first 100.
    pub repairs: Vec<ScrapeRepair>,
    /// A notice for each metric and each attribute that was dropped.
    pub dropped: Vec<DropNotice>,
}

/// Parses `body`, in text 0.0.4 or OpenMetrics, and applies `rules` to it.
///
/// Series that differ in dropped labels only are summed; of gauges, the last value counts. The
/// aliases of the rules are added.
///
/// ```
/// use prompush_otlp::{Rules, scrape};
///
/// let body = b"# TYPE a counter\na{error_message=\"x\"} 1\na{error_message=\"y\"} 2\n";
/// let metrics = scrape::parse(body, &Rules::default())?;
/// assert_eq!(metrics.exposition.families[0].metrics.len(), 1); // their sum
/// # Ok::<(), prompush_otlp::ScrapeError>(())
/// ```
///
/// # Errors
/// [`ScrapeError`] for a web page, and for a body in which nothing can be read.
pub fn parse(body: &[u8], rules: &Rules) -> Result<ScrapedMetrics, ScrapeError> {
    let mut repairs = Repairs::default();
    let families = lenient::parse(body, &mut repairs)?;
    let (mut families, dropped) = filter::filter(families, rules, &mut repairs);
    rules.add_aliases(&mut families);
    Ok(ScrapedMetrics { exposition: Exposition { families }, repairs: repairs.0, dropped })
}

impl ScrapedMetrics {
    /// Adds the families of an earlier scrape of the same program that this scrape lacks, up to
    /// the limit of samples: some programs withdraw their metrics seconds before they end.
    pub fn keep_withdrawn(&mut self, earlier: &Self, rules: &Rules) {
        let mut names = ClaimedNames::reserved([DROPPED_SAMPLES]);
        let mut samples = 0;
        for family in &self.exposition.families {
            names.claim(&family.name, family.metric_type);
            samples += samples_of(family);
        }
        for family in &earlier.exposition.families {
            let samples_with_family = samples + samples_of(family);
            if samples_with_family <= rules.samples_max()
                && names.claim(&family.name, family.metric_type)
            {
                samples = samples_with_family;
                self.exposition.families.push(family.clone());
            }
        }
    }
}

fn samples_of(family: &MetricFamily<'_>) -> usize {
    family.metrics.iter().map(|metric| metric.value.samples()).sum()
}

impl Source for ScrapedMetrics {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        self.exposition.gather(encoder)
    }
}
