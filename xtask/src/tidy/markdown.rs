//! Every relative link of a Markdown file leads to a file or folder that exists.

use std::path::Path;

use super::files::TextFile;
use crate::workspace;

/// Names the relative links of a Markdown file that lead nowhere.
pub(super) fn check(file: &TextFile) -> Vec<String> {
    if file.path.extension().is_none_or(|extension| extension != "md") {
        return Vec::new();
    }
    let folder = workspace::root().join(file.path.parent().unwrap_or(Path::new("")));
    let leads_nowhere = |link: &&(usize, String)| !folder.join(&link.1).exists();
    let breach = |link: &(usize, String)| {
        format!("`{}` line {}: the link `{}` leads nowhere", file.path.display(), link.0, link.1)
    };
    relative_links(&file.text).iter().filter(leads_nowhere).map(breach).collect()
}

/// The paths that a text links to, each with its line number. Blocks and spans of code are left out.
fn relative_links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut fence: Option<&str> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let trimmed = line.trim_start();
        let marker = ["```", "~~~"].into_iter().find(|marker| trimmed.starts_with(marker));
        match (fence, marker) {
            (None, Some(opened)) => fence = Some(opened),
            (Some(open), Some(marker)) if open == marker => fence = None,
            (None, None) => {
                links.extend(links_in(line).filter_map(|link| Some((number, path_of(link)?))));
            }
            _ => {}
        }
    }
    links
}

/// The targets of the links in a line: `[text](target "title")`, `![alt](target)` and `[name]: target`.
fn links_in(line: &str) -> impl Iterator<Item = &str> {
    // Between backticks, every second piece is code.
    let inline = line.split('`').step_by(2).flat_map(|piece| piece.split("](").skip(1));
    let inline = inline.filter_map(|rest| rest.split(')').next());
    // A link whose text is code is split inside its brackets, so its target stands in a piece that is not code.
    let definition =
        line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
    inline.chain(definition).filter_map(|target| target.split_whitespace().next())
}

/// The path of a link without its anchor; `None` for an address, and for an anchor in the same file.
fn path_of(link: &str) -> Option<String> {
    let path = link.trim_matches(['<', '>']).split('#').next()?;
    let is_address = path.contains("://") || path.starts_with("mailto:");
    (!path.is_empty() && !is_address).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(text: &str, expected: &[(usize, &str)]) {
        let links = relative_links(text);
        let links: Vec<(usize, &str)> =
            links.iter().map(|(line, path)| (*line, path.as_str())).collect();
        assert_eq!(links, expected);
    }

    #[test]
    fn links_in_text_are_found() {
        check_text(
            "see [a](docs/a.md) and\n![b](<b.png> \"t\"), [`c`](c.md#top)\n[d]: d.md",
            &[(1, "docs/a.md"), (2, "b.png"), (2, "c.md"), (3, "d.md")],
        );
    }

    #[test]
    fn code_addresses_and_anchors_are_no_links() {
        check_text(
            "`x[i](y)` [web](https://example.org/a) [here](#there)\n```text\n[a](a.md)\n```\n",
            &[],
        );
    }
}
