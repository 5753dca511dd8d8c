//! The kinds of labels that a family can have.

/// The labels of a [`Family`](crate::Family) whose label names are given as strings, `N` of them.
///
/// A marker type: it is never made.
#[derive(Clone, Copy, Debug)]
pub struct LabelNames<const N: usize>(());

/// The labels of a [`Family`](crate::Family): [`LabelNames`] or
/// [`DerivedLabels`](crate::DerivedLabels). Other crates cannot implement this trait.
pub trait LabelSet: sealed::Sealed {}

impl<const N: usize> LabelSet for LabelNames<N> {}

pub(crate) mod sealed {
    /// How a family finds the metric of a label set.
    pub trait Sealed {
        /// The index of the family's metrics by label set; `()` where the text of a series says
        /// what its label values are.
        type Index<M: Clone + Send + Sync + 'static>: Default + Send + Sync + 'static;
    }
}

impl<const N: usize> sealed::Sealed for LabelNames<N> {
    type Index<M: Clone + Send + Sync + 'static> = ();
}
