//! The identity of a stream.

/// The identity of a stream: a keyed 64-bit hash of everything that tells it from other streams.
///
/// Two of the at most 280,000 streams of an instance share a hash with a probability of about one
/// in 500 million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StreamId(pub(crate) u64);
