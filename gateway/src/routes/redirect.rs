//! Redirects, with the body that Go's `http.Redirect` writes.

use prompush_http_server::{Request, Response};

use crate::views::html::escape_html;

/// A redirect to `location`. The response to a GET request has a small HTML page; any other response is empty.
pub(crate) fn redirect(request: &Request, status: u16, location: String) -> Response {
    let response = if request.method() == "GET" {
        let name = if status == 301 { "Moved Permanently" } else { "Temporary Redirect" };
        // Go escapes a double quote as `&#34;`.
        let href = escape_html(&location).replace("&quot;", "&#34;");
        let page = format!("<a href=\"{href}\">{name}</a>.\n\n");
        Response::with_body(status, "text/html; charset=utf-8", page)
    } else {
        Response::empty(status)
    };
    response.header("Location", location)
}
