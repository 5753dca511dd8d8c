//! Labels: the labels of a parsed metric, and the kinds of labels that a family can have.

pub(crate) mod label_set;
pub(crate) mod metric_labels;
