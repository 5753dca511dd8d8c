//! What a client reads: the scrape, the JSON of `/api/v1`, and the page for people.

pub(crate) mod api;
pub(crate) mod exposition;
pub(crate) mod page;

mod rfc3339;
