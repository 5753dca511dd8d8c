//! Finds the paths in a piece of code. The module reads tokens rather than a syntax tree, so that paths in the
//! arguments of macros count too.

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};

/// A path in the code, such as `crate::clock::Clock` or `deadline::after`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) path: Vec<String>,
    /// Whether the spelling shows that the path names an item: a type begins with a capital letter, and a function or
    /// macro is called. A single lower-case word that is not called may be a variable.
    pub(super) is_item: bool,
}

/// Finds every path, also inside groups. Attributes, imports and code that only tests compile are left out.
pub(super) fn mentions(code: &TokenStream) -> Vec<Mention> {
    let code: Vec<TokenTree> = code.clone().into_iter().collect();
    let mut found = Vec::new();
    let mut place = 0;
    while let Some(tree) = code.get(place) {
        match tree {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                place = after_attribute(&code, place);
                continue;
            }
            TokenTree::Group(group) => found.extend(mentions(&group.stream())),
            TokenTree::Ident(ident) if ident == "use" && !is_capture(&code, place) => {
                place += code.iter().skip(place).take_while(|tree| !is_punct(tree, ';')).count();
            }
            TokenTree::Ident(ident) if ident == "pub" => {
                let is_restricted = matches!(code.get(place + 1), Some(TokenTree::Group(group))
                    if is_restriction(&group.stream()));
                place += usize::from(is_restricted);
            }
            TokenTree::Ident(_) => {
                let (path, end) = path_at(&code, place);
                if begins_path(&code, place) {
                    let is_item = is_item(&path, code.get(end));
                    found.push(Mention { path, is_item });
                }
                place = end;
                continue;
            }
            _ => {}
        }
        place += 1;
    }
    found
}

/// The name of an identifier, without `r#`.
pub(super) fn plain(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

/// Whether the condition of a `cfg` needs `test`: `test` itself, or `all(…)` with it.
pub(super) fn needs_test(condition: &TokenStream) -> bool {
    let trees: Vec<TokenTree> = condition.clone().into_iter().collect();
    match trees.as_slice() {
        [TokenTree::Ident(ident)] => ident == "test",
        [TokenTree::Ident(ident), TokenTree::Group(group)] if ident == "all" => {
            let parts: Vec<TokenTree> = group.stream().into_iter().collect();
            parts
                .split(|tree| is_punct(tree, ','))
                .any(|part| needs_test(&part.iter().cloned().collect()))
        }
        _ => false,
    }
}

pub(super) fn is_punct(tree: &TokenTree, character: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == character)
}

/// The place after an attribute. If only tests compile the item or field below the attribute, the place after this
/// item or field.
fn after_attribute(code: &[TokenTree], place: usize) -> usize {
    let inner = usize::from(code.get(place + 1).is_some_and(|tree| is_punct(tree, '!')));
    let Some(TokenTree::Group(group)) = code.get(place + 1 + inner) else { return place + 1 };
    let end = place + 2 + inner;
    let content: Vec<TokenTree> = group.stream().into_iter().collect();
    let is_for_tests = match content.as_slice() {
        [TokenTree::Ident(name)] => name == "test",
        [TokenTree::Ident(name), TokenTree::Group(condition)] => {
            name == "cfg" && needs_test(&condition.stream())
        }
        _ => false,
    };
    if is_for_tests && inner == 0 { after_item(code, end) } else { end }
}

/// The place after the item, statement or field that begins at a place.
fn after_item(code: &[TokenTree], start: usize) -> usize {
    let mut is_declaration = false;
    for (place, tree) in code.iter().enumerate().skip(start) {
        match tree {
            TokenTree::Ident(ident) => {
                let keywords = ["fn", "impl", "struct", "enum", "trait", "mod"];
                is_declaration |= keywords.iter().any(|keyword| ident == keyword);
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return place + 1,
            TokenTree::Punct(punct) if punct.as_char() == ';' => return place + 1,
            // The commas of a declaration are those of its generics.
            TokenTree::Punct(punct) if punct.as_char() == ',' && !is_declaration => {
                return place + 1;
            }
            _ => {}
        }
    }
    code.len()
}

/// Whether `use<…>` begins at a place. In a type, it lists the captured parameters, and is no import.
fn is_capture(code: &[TokenTree], place: usize) -> bool {
    code.get(place + 1).is_some_and(|tree| is_punct(tree, '<'))
}

/// Whether parentheses after `pub` are those of `pub(crate)`, `pub(super)`, `pub(self)` or `pub(in …)`.
fn is_restriction(content: &TokenStream) -> bool {
    let mut trees = content.clone().into_iter();
    let first = trees.next();
    let keyword = |names: &[&str]| matches!(&first, Some(TokenTree::Ident(ident)) if names.iter().any(|name| ident == name));
    keyword(&["in"]) || keyword(&["crate", "super", "self"]) && trees.next().is_none()
}

/// The segments of the path that begins at a place, and the place after them.
fn path_at(code: &[TokenTree], start: usize) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    let mut place = start;
    while let Some(TokenTree::Ident(ident)) = code.get(place) {
        path.push(plain(ident));
        place += 1;
        let goes_on = is_double_colon(code, place)
            && matches!(code.get(place + 2), Some(TokenTree::Ident(_)));
        if !goes_on {
            break;
        }
        place += 2;
    }
    (path, place)
}

fn is_double_colon(code: &[TokenTree], place: usize) -> bool {
    matches!(code.get(place), Some(TokenTree::Punct(first)) if first.as_char() == ':' && first.spacing() == Spacing::Joint)
        && code.get(place + 1).is_some_and(|tree| is_punct(tree, ':'))
}

/// Whether a path can begin at an identifier. It cannot if the identifier is a field or a method, a later segment of a
/// path, the name in a declaration, or a lifetime.
fn begins_path(code: &[TokenTree], place: usize) -> bool {
    let before = |back: usize| place.checked_sub(back).and_then(|place| code.get(place));
    let Some(last) = before(1) else { return true };
    match last {
        TokenTree::Punct(punct) => match punct.as_char() {
            '.' => before(2).is_some_and(|tree| is_punct(tree, '.')),
            ':' => !place.checked_sub(2).is_some_and(|place| is_double_colon(code, place)),
            '\'' => false,
            _ => true,
        },
        TokenTree::Ident(ident) => {
            let declares = ["fn", "struct", "enum", "trait", "type", "union", "mod"];
            !declares.iter().any(|keyword| ident == keyword)
        }
        _ => true,
    }
}

fn is_item(path: &[String], next: Option<&TokenTree>) -> bool {
    let is_type = path.first().is_some_and(|name| name.starts_with(char::is_uppercase));
    let is_called = next.is_some_and(|next| {
        is_punct(next, '!')
            || matches!(next, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis)
    });
    path.len() > 1 || is_type || is_called
}
