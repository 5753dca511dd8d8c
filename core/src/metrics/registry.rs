//! The registry: all metric families of a program.

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::collect::{Encoder, Source};
use crate::error::{EncodeError, RegistryError};
use crate::exposition::sample_names::{INFO, TOTAL, taken, without_info, without_total};
use crate::exposition::{FamilyType, MetricType};
use crate::labels::{LabelNames, LabelSet};
use crate::metrics::family_state::EncodeFamily;
use crate::metrics::{
    Buckets, Counter, CounterF64, Family, Gauge, Histogram, Info, MetricKind, Sealed, Summary,
};
use crate::name::{LabelName, MetricName};

/// All metric families of a program. A clone is a handle to the same registry.
///
/// A wrong name or a clash of two families is an error when the family is registered, so that
/// everything in a registry can be encoded. The name of a counter ends in `_total`, and the name of
/// an info in `_info`; the registry adds the suffix where it is missing.
///
/// ```
/// use prompush_core::{Buckets, Registry};
///
/// let registry = Registry::new();
/// let rows = registry.counter("rows_processed_total", "Rows processed.")?;
/// let calls = registry.counter_family("tool_calls_total", "Calls.", ["tool", "success"])?;
/// let seconds = registry.histogram("step_duration_seconds", "Duration.", Buckets::default())?;
/// rows.inc();
/// calls.with(["shell", "true"]).inc_by(2);
/// seconds.observe(0.3);
/// assert!(registry.counter("rows_processed_total", "Again.").is_err());
/// # Ok::<(), prompush_core::RegistryError>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    entries: Arc<RwLock<Arc<Vec<Entry>>>>,
    /// Counts, by family, the recordings to an overflow series. It has no series, and so is not in
    /// an exposition, until there is such a recording.
    overflow_counter: Family<LabelNames<1>, Counter>,
}

/// The name of the family of `overflow_counter`.
const OVERFLOW_COUNTER: &str = "prompush_series_overflow_total";

#[derive(Clone)]
struct Entry {
    /// The family's name in text 0.0.4. The entries are sorted by this name.
    name: MetricName,
    /// All names that the family's samples and metadata have, in text 0.0.4 or in OpenMetrics.
    sample_names: Arc<[String]>,
    family: Arc<dyn EncodeFamily>,
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Self {
        let help =
            "Recordings whose labels were beyond the limit of a metric family or not allowed.";
        let names = [LabelName::known_valid("metric")];
        let overflow_counter =
            Family::<LabelNames<1>, Counter>::new(OVERFLOW_COUNTER, help, names.into(), (), None);
        let entry = Entry {
            name: MetricName::known_valid(OVERFLOW_COUNTER),
            sample_names: sample_names(OVERFLOW_COUNTER, Counter::FAMILY_TYPE).into(),
            family: overflow_counter.state.clone(),
        };
        Self { entries: Arc::new(RwLock::new(Arc::new(vec![entry]))), overflow_counter }
    }

    /// Registers a counter of whole numbers.
    ///
    /// # Errors
    /// [`RegistryError`] for a name that is not allowed, or that clashes with a registered family.
    pub fn counter(&self, name: &str, help: &str) -> Result<Counter, RegistryError> {
        self.single(name, help, ())
    }

    /// Registers a counter of fractional amounts, such as seconds.
    ///
    /// # Errors
    /// As for [`counter`](Self::counter).
    pub fn counter_f64(&self, name: &str, help: &str) -> Result<CounterF64, RegistryError> {
        self.single(name, help, ())
    }

    /// Registers a gauge.
    ///
    /// # Errors
    /// As for [`counter`](Self::counter).
    pub fn gauge(&self, name: &str, help: &str) -> Result<Gauge, RegistryError> {
        self.single(name, help, ())
    }

    /// Registers a histogram.
    ///
    /// # Errors
    /// As for [`counter`](Self::counter).
    pub fn histogram(
        &self,
        name: &str,
        help: &str,
        buckets: Buckets,
    ) -> Result<Histogram, RegistryError> {
        self.single(name, help, buckets)
    }

    /// Registers a summary without quantiles.
    ///
    /// # Errors
    /// As for [`counter`](Self::counter).
    pub fn summary(&self, name: &str, help: &str) -> Result<Summary, RegistryError> {
        self.single(name, help, ())
    }

    /// Registers an info with its labels.
    ///
    /// # Errors
    /// As for [`counter`](Self::counter); also for a label name that is not allowed or given twice.
    pub fn info<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: [(&str, &str); N],
    ) -> Result<Info, RegistryError> {
        let family = self.family::<Info, N>(name, help, labels.map(|(name, _)| name), ())?;
        Ok(family.with(labels.map(|(_, value)| value)).clone())
    }

    /// Registers counters of whole numbers with these label names.
    ///
    /// # Errors
    /// As for [`counter`](Self::counter); also for a label name that is not allowed or given twice.
    pub fn counter_family<const N: usize>(
        &self,
        name: &str,
        help: &str,
        label_names: [&str; N],
    ) -> Result<Family<LabelNames<N>, Counter>, RegistryError> {
        self.family(name, help, label_names, ())
    }

    /// Registers gauges with these label names.
    ///
    /// # Errors
    /// As for [`counter_family`](Self::counter_family).
    pub fn gauge_family<const N: usize>(
        &self,
        name: &str,
        help: &str,
        label_names: [&str; N],
    ) -> Result<Family<LabelNames<N>, Gauge>, RegistryError> {
        self.family(name, help, label_names, ())
    }

    /// Registers histograms with these label names.
    ///
    /// # Errors
    /// As for [`counter_family`](Self::counter_family); also for a label called `le`.
    pub fn histogram_family<const N: usize>(
        &self,
        name: &str,
        help: &str,
        label_names: [&str; N],
        buckets: Buckets,
    ) -> Result<Family<LabelNames<N>, Histogram>, RegistryError> {
        self.family(name, help, label_names, buckets)
    }

    /// Registers summaries without quantiles with these label names.
    ///
    /// # Errors
    /// As for [`counter_family`](Self::counter_family); also for a label `quantile`.
    pub fn summary_family<const N: usize>(
        &self,
        name: &str,
        help: &str,
        label_names: [&str; N],
    ) -> Result<Family<LabelNames<N>, Summary>, RegistryError> {
        self.family(name, help, label_names, ())
    }

    /// Registers metrics of any type with these label names.
    ///
    /// `config` is the [`Buckets`] of a histogram, and `()` for all other types.
    ///
    /// # Errors
    /// As for [`histogram_family`](Self::histogram_family).
    pub fn family<M: MetricKind, const N: usize>(
        &self,
        name: &str,
        help: &str,
        label_names: [&str; N],
        config: M::Config,
    ) -> Result<Family<LabelNames<N>, M>, RegistryError> {
        let labels = label_names.map(LabelName::new);
        let labels: Vec<LabelName> = labels.into_iter().collect::<Result<_, _>>()?;
        for (at, label) in labels.iter().enumerate() {
            let (metric, label) = (name.to_owned(), label.to_string());
            if labels[..at].contains(&labels[at]) {
                return Err(RegistryError::DuplicateLabel { metric, label });
            }
            if M::RESERVED_LABEL == Some(&label) {
                return Err(RegistryError::ReservedLabel { metric, label });
            }
        }
        self.register(name, help, labels.into(), config)
    }

    fn single<M: MetricKind>(
        &self,
        name: &str,
        help: &str,
        config: M::Config,
    ) -> Result<M, RegistryError> {
        let family = self.family::<M, 0>(name, help, [], config)?;
        Ok(family.with::<&str>([]).clone())
    }

    pub(crate) fn register<L: LabelSet + 'static, M: MetricKind>(
        &self,
        name: &str,
        help: &str,
        label_names: Box<[LabelName]>,
        config: M::Config,
    ) -> Result<Family<L, M>, RegistryError> {
        let full_name = match name {
            "" => String::new(),
            name if name.ends_with(M::NAME_SUFFIX) => name.to_owned(),
            name => format!("{name}{}", M::NAME_SUFFIX),
        };
        let name = MetricName::new(&full_name)?;
        let overflow_counter = Some(Arc::clone(&self.overflow_counter.state));
        let family =
            Family::<L, M>::new(name.as_str(), help, label_names, config, overflow_counter);
        let sample_names = sample_names(name.as_str(), M::FAMILY_TYPE);
        let mut entries = self.entries.write();
        for entry in entries.iter() {
            if entry.name == name {
                return Err(RegistryError::Duplicate(full_name));
            }
            if let Some(sample) = sample_names.iter().find(|s| entry.sample_names.contains(s)) {
                let (other, sample) = (entry.name.to_string(), sample.clone());
                return Err(RegistryError::Clash { name: full_name, other, sample });
            }
        }
        let index = entries.partition_point(|entry| entry.name < name);
        let encode = Arc::clone(&family.state);
        let entry = Entry { name, sample_names: sample_names.into(), family: encode };
        // Copies the list if an encode holds it: the encode goes on with the old list.
        Arc::make_mut(&mut entries).insert(index, entry);
        Ok(family)
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries.read();
        f.debug_list().entries(entries.iter().map(|entry| &entry.name)).finish()
    }
}

impl Source for Registry {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        // The lock is not held while encoding, so that registration never waits for an encode.
        let entries = Arc::clone(&self.entries.read());
        for entry in entries.iter() {
            entry.family.encode(encoder);
        }
        Ok(())
    }
}

/// All names that a family's samples and metadata have, in text 0.0.4 and in OpenMetrics.
fn sample_names(name: &str, family_type: FamilyType) -> Vec<String> {
    let with = |stem: &str, suffix: &str| vec![stem.to_owned(), format!("{stem}{suffix}")];
    match family_type {
        FamilyType::Plain(MetricType::Counter) => with(without_total(name), TOTAL),
        FamilyType::Info => with(without_info(name), INFO),
        FamilyType::Plain(metric_type) => taken(name, metric_type).collect(),
    }
}
