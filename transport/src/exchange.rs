//! One exchange with a gateway: the attempt, its verdict, and the attempts that follow.

pub(crate) mod answer;
pub(crate) mod attempt_error;
pub(crate) mod backoff;
pub(crate) mod config;
pub(crate) mod connection;
pub(crate) mod groups;
pub(crate) mod operation;
pub(crate) mod outcome;
pub(crate) mod retry;
pub(crate) mod retry_after;
pub(crate) mod verdict;
pub(crate) mod wait;
