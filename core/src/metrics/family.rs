//! Families: all metrics of one name, told apart by their labels.

use std::fmt;
use std::sync::Arc;

use crate::labels::{LabelNames, LabelSet};
use crate::metrics::family_state::FamilyState;
use crate::metrics::{Counter, MetricKind};
use crate::name::LabelName;
use crate::sync::Ordering::Relaxed;

/// All metrics of one name, told apart by their labels.
///
/// `L` says how labels are given: [`LabelNames`] for label values as strings, or
/// [`DerivedLabels`](crate::DerivedLabels) for a type that derives `prometheus_client`'s
/// `EncodeLabelSet`. A clone is a handle to the same family.
///
/// Looking a metric up takes no lock. Creating a metric takes a lock that no encode holds, and
/// releases it before the call returns, so that a program may hold any number of metrics.
///
/// ```
/// use prompush_core::Registry;
///
/// let registry = Registry::new();
/// let calls = registry.counter_family("calls_total", "Calls made.", ["tool", "success"])?;
/// calls.with(["shell", "true"]).inc();
/// assert_eq!(calls.len(), 1);
/// # Ok::<(), prompush_core::RegistryError>(())
/// ```
pub struct Family<L: LabelSet, M: MetricKind> {
    pub(crate) state: Arc<FamilyState<M>>,
    /// Finds the metric of a label set that is not given as label values.
    pub(crate) index: Arc<L::Index<M>>,
}

impl<const N: usize, M: MetricKind> Family<LabelNames<N>, M> {
    /// Returns the metric with these label values, in the order of the label names.
    ///
    /// Creates the metric if there is none yet and [`limit_series`](Self::limit_series) allows it.
    #[inline]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "`with([\"a\"])` reads better than `with(&[\"a\"])`"
    )]
    pub fn with<V: AsRef<str>>(&self, values: [V; N]) -> &M {
        self.state.metric(&values)
    }
}

impl<L: LabelSet, M: MetricKind> Family<L, M> {
    pub(crate) fn new(
        name: &str,
        help: &str,
        label_names: Box<[LabelName]>,
        config: M::Config,
        overflow_counter: Option<Arc<FamilyState<Counter>>>,
    ) -> Self {
        let state = FamilyState::new(name, help, label_names, config, overflow_counter);
        Self { state: Arc::new(state), index: Arc::default() }
    }

    /// Limits how many series there may be. Default: 1,000,000.
    ///
    /// Once the limit is reached, every new label set is recorded to one series whose label values
    /// are all `overflow` (a series without labels for
    /// [`DerivedLabels`](crate::DerivedLabels)), and the counter
    /// `prompush_series_overflow_total` counts each such recording. So a label without bound, such
    /// as an error message, makes one number wrong in a known way instead of filling the memory.
    #[must_use]
    pub fn limit_series(self, max: usize) -> Self {
        // `Relaxed`: the limit is one word that orders nothing else.
        self.state.series_max.store(max, Relaxed);
        self
    }

    /// The number of series, without the overflow series.
    pub fn len(&self) -> usize {
        self.state.series.len()
    }

    /// Whether there are no series yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<L: LabelSet, M: MetricKind> Clone for Family<L, M> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), index: Arc::clone(&self.index) }
    }
}

impl<L: LabelSet, M: MetricKind> fmt::Debug for Family<L, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family")
            .field("name", &self.state.name)
            .field("series", &self.len())
            .finish_non_exhaustive()
    }
}
