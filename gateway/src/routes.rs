//! The HTTP routes: from a request to its response.

pub(crate) mod handler;

mod body;
mod path;
mod push;
mod read;
mod redirect;
mod router;
