//! Makes a strict exposition of a scraped body that a strict parser would refuse.
//!
//! Some exporters write the `# HELP` and `# TYPE` of a family once for each set of label names.
//! A Pushgateway answers 400 to that. Scraped metrics may also have labels without bound. Both
//! are corrected here.

mod filter;
mod lenient;
mod repair;
mod scraped_metrics;

pub use repair::ScrapeRepair;
pub use scraped_metrics::{ScrapedMetrics, parse};
