//! One exchange with a gateway: the connection, one attempt and its verdict, the retries, and the list of groups.

pub(crate) mod answer;
pub(crate) mod attempt_error;
pub(crate) mod backoff;
pub(crate) mod connection;
pub(crate) mod gateway_config;
pub(crate) mod group_list;
pub(crate) mod operation;
pub(crate) mod outcome;
pub(crate) mod retry;
pub(crate) mod retry_after;
pub(crate) mod verdict;
pub(crate) mod wait;

pub(crate) use answer::{
    GatewayAnswer, ReadAnswer, ReadError, read_acknowledgement, read_capped, read_exposition,
};
pub(crate) use attempt_error::AttemptError;
pub(crate) use connection::{Completed, Connection};
pub(crate) use gateway_config::GatewayConfig;
pub(crate) use group_list::{Group, Inventory};
pub(crate) use operation::Operation;
pub(crate) use outcome::Outcome;
pub(crate) use retry::{FailedAttempt, Retries, RetryDecision, RetryPolicy};
pub(crate) use wait::{SystemWait, Wait};
