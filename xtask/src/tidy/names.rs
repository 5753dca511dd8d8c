//! Refuses names that were coined in this project and replaced by a word of the field, so that they do not come back.

use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

use self::Kind::{File, Function, Module, Type};
use super::files::TextFile;

/// The kind of thing that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A struct, enum, union, trait or type alias.
    Type,
    /// A function or a method.
    Function,
    /// A module in a file of its own, or inside another file.
    Module,
    /// A Rust file, or a folder of Rust files.
    File,
}

/// A refused name. It is refused if it is the whole name of a thing of one of `kinds`, in snake or camel case.
struct CoinedName {
    /// The name in lower case, without underscores.
    name: &'static str,
    kinds: &'static [Kind],
    /// The name to use instead.
    instead: &'static str,
}

const ALL: &[Kind] = &[Type, Function, Module, File];
const PLACES: &[Kind] = &[Module, File];
const TYPES_AND_PLACES: &[Kind] = &[Type, Module, File];

const fn coined(name: &'static str, kinds: &'static [Kind], instead: &'static str) -> CoinedName {
    CoinedName { name, kinds, instead }
}

/// The refused names, in alphabetical order. When you rename a coined name, add it here.
const COINED_NAMES: [CoinedName; 24] = [
    coined("aside", ALL, "name what the error mentions besides its cause"),
    coined("ask", &[Function], "`send`, or the verb of the request"),
    coined("becomes", ALL, "name the state or the result"),
    coined("bell", ALL, "a condition variable is named after its condition"),
    coined("byhand", PLACES, "`command_line`, or the name of the command"),
    coined("bystander", ALL, "a probe of the process group"),
    coined("courier", ALL, "`GatewayThread`: the thread of a gateway"),
    coined("desk", ALL, "`Shared`: the state behind the lock"),
    coined("doubts", ALL, "name the operations whose outcome is unknown"),
    coined("drops", TYPES_AND_PLACES, "name what is counted: dropped points, dropped series"),
    coined("hiding", ALL, "`reexec`"),
    coined("keeper", ALL, "a gateway's part of the spool"),
    coined("kind10", ALL, "the metric type of OpenMetrics 1.0"),
    coined("lax", TYPES_AND_PLACES, "name the tolerant parser and what it tolerates"),
    coined("obstacle", ALL, "`ConnectFailure`"),
    coined("ownonly", ALL, "name which operations stay"),
    coined("pending", PLACES, "`merge`: how two operations on a group become one"),
    coined("reason", PLACES, "`answer_text`: the text of an answer"),
    coined("serve", &[File], "the command that serves: `gateway`, `bridge`"),
    coined("setback", ALL, "`AttemptError`"),
    coined("slot", TYPES_AND_PLACES, "`group_state`, or an index with its noun"),
    coined("tell", &[Function], "`send`, or the public verbs `push`, `add`, `delete`"),
    coined("witness", ALL, "a probe of the process group"),
    coined("words", PLACES, "name what the text is about"),
];

/// Names the coined names in a Rust file, and in its path.
pub(super) fn check(file: &TextFile) -> Vec<String> {
    if file.path.extension().is_none_or(|extension| extension != "rs") {
        return Vec::new();
    }
    let mut declared = parts(&file.path);
    // A file that is no Rust is the compiler's to refuse.
    declared.extend(file.text.parse().map(declarations).unwrap_or_default());
    let breaches = declared.iter().filter_map(|(kind, name)| {
        let coined = find(*kind, name)?;
        let path = file.path.display();
        Some(format!("`{path}`: {kind:?} `{name}` is a coined name; instead: {}", coined.instead))
    });
    breaches.collect()
}

fn find(kind: Kind, name: &str) -> Option<&'static CoinedName> {
    let plain = name.replace('_', "").to_lowercase();
    COINED_NAMES.iter().find(|coined| coined.name == plain && coined.kinds.contains(&kind))
}

/// The names of the folders and of the file in a path, without the extension.
fn parts(path: &Path) -> Vec<(Kind, String)> {
    let stem = |part| Path::new(part).file_stem().unwrap_or(part).to_string_lossy().into_owned();
    path.iter().map(|part| (File, stem(part))).collect()
}

/// The types, functions and inner modules that a piece of code declares, at any depth.
fn declarations(code: TokenStream) -> Vec<(Kind, String)> {
    let mut found = Vec::new();
    let mut kind = None;
    for tree in code {
        match tree {
            TokenTree::Group(group) => {
                kind = None;
                found.extend(declarations(group.stream()));
            }
            TokenTree::Ident(ident) => {
                let word = ident.to_string();
                found.extend(kind.map(|kind| (kind, word.clone())));
                kind = match word.as_str() {
                    "struct" | "enum" | "union" | "trait" | "type" => Some(Type),
                    "fn" => Some(Function),
                    "mod" => Some(Module),
                    _ => None,
                };
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => kind = None,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_file(path: &str, text: &str, expected: usize) {
        let breaches = check(&TextFile { path: path.into(), text: text.to_owned() });
        assert_eq!(breaches.len(), expected, "{breaches:?}");
    }

    #[test]
    fn coined_names_are_found_whatever_bears_them() {
        check_file("transport/src/lib.rs", "struct Courier; enum Kind10 {} type Desk = u8;", 3);
        check_file("transport/src/lib.rs", "impl A { pub async fn own_only(&self) {} }", 1);
        check_file("transport/src/lib.rs", "mod inner { mod pending { } } mod slot;", 2);
        check_file("cli/src/run/hiding.rs", "", 1);
        check_file("cli/src/hiding/other.rs", "", 1);
        check_file("core/src/lib.rs", "m! { fn tell() {} }", 1);
    }

    #[test]
    fn a_name_is_refused_only_as_a_whole_and_for_its_kinds() {
        check_file("transport/src/lib.rs", "struct CourierThread; fn desks() {} struct Words;", 0);
        check_file("http-server/src/server.rs", "fn serve() {} fn reason() {} fn pending() {}", 0);
        check_file("transport/src/lib.rs", "fn f(desk: u8) { let courier = desk; } // Setback", 0);
        check_file("docs/hiding.md", "struct Courier;", 0);
    }

    #[test]
    fn the_names_are_in_order() {
        assert!(COINED_NAMES.is_sorted_by_key(|coined| coined.name));
    }
}
