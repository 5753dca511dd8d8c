//! The routes answer HTTP requests: `router` finds out what a request asks for, and `handler` calls the function that
//! does it.

pub(crate) mod handler;

mod body;
mod path;
mod push;
mod read;
mod redirect;
mod router;
