//! Labels: those of a metric that was read, and those that tell the metrics of a family apart.

pub(crate) mod label_set;
pub(crate) mod metric_labels;
