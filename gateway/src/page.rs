//! The page at `/`: a table of the groups, for people.

use prompush_core::PUSH_TIME;

use crate::moment::rfc3339;
use crate::store::Store;

/// Writes the page.
pub(crate) fn write_page(store: &Store) -> String {
    let mut page = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>prompush gateway</title></head>\n\
         <body>\n<h1>prompush gateway</h1>\n\
         <p><a href=\"/metrics\">Metrics</a>, <a href=\"/api/v1/metrics\">groups as JSON</a></p>\n\
         <table>\n<tr><th>Group</th><th>Families</th><th>Series</th><th>Last push</th></tr>\n",
    );
    for group in store.groups() {
        let key = escape(&String::from_utf8_lossy(&group.key().rendered()));
        let (mut families, mut series, mut pushed) = (0, 0, String::from("none succeeded"));
        for (name, _, member) in group.families() {
            families += 1;
            series += member.samples().len();
            if name == PUSH_TIME && !member.pushed_at().is_zero() {
                pushed = rfc3339(member.pushed_at());
            }
        }
        let failed = if group.last_push_successful() { "" } else { ", since then refused" };
        let cells = [
            format!("<code>{{{key}}}</code>"),
            families.to_string(),
            series.to_string(),
            pushed + failed,
        ];
        page.push_str("<tr>");
        for cell in cells {
            page.push_str("<td>");
            page.push_str(&cell);
            page.push_str("</td>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table>\n</body>\n</html>\n");
    page
}

/// Makes text safe between tags and in attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
