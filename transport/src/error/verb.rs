//! The operations that a gateway knows.

/// What was asked of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// `PUT`: replaces the group.
    Push,
    /// `POST`: replaces the families of the same name in the group.
    Add,
    /// `DELETE`: removes the group.
    Delete,
    /// `GET /api/v1/metrics`: lists the groups.
    List,
    /// `GET /metrics`: reads what the gateway exposes.
    Scrape,
    /// `GET /-/ready`: whether the gateway takes pushes.
    Ready,
}
