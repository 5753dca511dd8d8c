//! The HTML page at `/`: a table of the groups.

use prompush_core::PUSH_TIME;

use crate::store::metric_store::MetricStore;
use crate::views::html::escape_html;
use crate::views::rfc3339::format_rfc3339;

/// The HTML of the page: one row for each group.
pub(crate) fn write_page(store: &MetricStore) -> String {
    let mut page = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>prompush gateway</title></head>\n\
         <body>\n<h1>prompush gateway</h1>\n\
         <p><a href=\"/metrics\">All metrics as text</a>, <a href=\"/api/v1/metrics\">all groups as JSON</a></p>\n\
         <table>\n<tr><th>Group</th><th>Metric families</th><th>Series</th><th>Last successful push</th></tr>\n",
    );
    for group in store.groups() {
        let labels = escape_html(&String::from_utf8_lossy(&group.labels().to_text()));
        let (mut families, mut series, mut pushed) = (0, 0, String::from("none"));
        for (name, _, part) in group.families() {
            families += 1;
            series += part.samples().len();
            if name == PUSH_TIME && !part.pushed_at().is_zero() {
                pushed = format_rfc3339(part.pushed_at());
            }
        }
        let failed = if group.last_push_successful() { "" } else { "; the last push was refused" };
        let cells = [
            format!("<code>{{{labels}}}</code>"),
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
