//! The names of the families that every instance adds to those of the program.

/// Holds the attributes of the resource as labels.
pub(crate) const TARGET_INFO: &str = "target_info";
/// Counts points that became no sample.
pub(crate) const DROPPED_POINTS: &str = "prompush_otlp_dropped_points_total";
/// Counts points that lost an attribute to a rule.
pub(crate) const DROPPED_ATTRIBUTES: &str = "prompush_otlp_dropped_attributes_total";
