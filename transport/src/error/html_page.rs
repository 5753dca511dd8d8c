//! HTML pages, which login forms and proxies send instead of a gateway's answer.

/// Whether bytes begin like an HTML page.
pub(crate) fn is_html(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    let begins =
        |tag: &[u8]| start.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    begins(b"<!doctype") || begins(b"<html") || begins(b"<head")
}

/// The title of an HTML page in one line, or its text if the page has no title.
pub(crate) fn text_of_page(page: &str) -> String {
    let title = find(page, "<title").and_then(|(_, rest)| rest.split_once('>'));
    let title = title.map(|(_, rest)| find(rest, "</title").map_or(rest, |(title, _)| title));
    let text = match title.map(str::trim) {
        Some(title) if !title.is_empty() => title.to_owned(),
        _ => without_tags(page),
    };
    let text: Vec<&str> = text.split_whitespace().collect();
    if text.is_empty() { "an HTML page without text".to_owned() } else { text.join(" ") }
}

fn without_tags(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        let hidden = ["script", "style"].iter().find(|name| {
            tag.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        });
        let shown_again = match hidden {
            Some(name) => find(tag, &format!("</{name}")).map_or("", |(_, rest)| rest),
            None => tag,
        };
        rest = shown_again.split_once('>').map_or("", |(_, rest)| rest);
    }
    text + rest
}

/// Splits a text around the first occurrence of `wanted`, which is in lower case; the case of the text does
/// not matter.
fn find<'a>(text: &'a str, wanted: &str) -> Option<(&'a str, &'a str)> {
    let at = text.to_ascii_lowercase().find(wanted)?;
    Some((text.get(..at)?, text.get(at + wanted.len()..)?))
}
