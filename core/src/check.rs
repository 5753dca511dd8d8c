//! What a gateway would refuse or suffer from, told before the network.

pub(crate) mod push_problems;
