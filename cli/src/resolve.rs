//! Makes gateways, grouping keys and selectors from arguments and environment variables.

mod access;
mod gateway;
mod grouping_key;
mod selector;
mod spool;
mod variable;

pub(crate) use gateway::{GatewayOptions, gateway, gateway_options, gateway_without_credentials};
pub(crate) use grouping_key::grouping_key;
pub(crate) use selector::group_selector;
pub(crate) use spool::spool_dir;
