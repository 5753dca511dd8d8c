//! The three views of the store: the text of a scrape, the JSON of `/api/v1`, and the HTML page.

pub(crate) mod api;
pub(crate) mod exposition;
pub(crate) mod html;
pub(crate) mod page;

mod rfc3339;
