//! The operations on a gateway.

/// An operation on a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// Replaces the group (`PUT`).
    Push,
    /// Replaces the families of the same names in the group, and keeps the others (`POST`).
    Add,
    /// Deletes the group (`DELETE`).
    Delete,
    /// Lists the groups (`GET /api/v1/metrics`).
    List,
    /// Reads the metrics that the gateway exposes (`GET /metrics`).
    Scrape,
    /// Checks whether the gateway takes pushes (`GET /-/ready`).
    Ready,
}
