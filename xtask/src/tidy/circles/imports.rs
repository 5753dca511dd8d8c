//! `use` declarations, one name at a time.

use proc_macro2::{TokenStream, TokenTree};
use syn::{ItemUse, UseTree};

use super::tokens;

/// One name of a `use` declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) path: Vec<String>,
    /// The name that the import brings into the module; `None` for `*`.
    pub(super) name: Option<String>,
    /// Whether another module may take the name from this module, because the import is `pub`, `pub(crate)`,
    /// `pub(super)` or similar.
    pub(super) is_reexport: bool,
}

/// The names that one `use` declaration brings into its module.
pub(super) fn of(tree: &UseTree, is_reexport: bool) -> Vec<Import> {
    let mut imports = Vec::new();
    collect(tree, &mut Vec::new(), is_reexport, &mut imports);
    imports
}

fn collect(tree: &UseTree, prefix: &mut Vec<String>, is_reexport: bool, imports: &mut Vec<Import>) {
    let mut add = |last: Option<String>, name: Option<String>| {
        let path: Vec<String> = prefix.iter().cloned().chain(last).collect();
        imports.push(Import { path, name, is_reexport });
    };
    match tree {
        UseTree::Path(path) => {
            prefix.push(tokens::plain(&path.ident));
            collect(&path.tree, prefix, is_reexport, imports);
            prefix.pop();
        }
        // `use a::{self}` brings `a` in.
        UseTree::Name(name) if name.ident == "self" => add(None, prefix.last().cloned()),
        UseTree::Name(name) => {
            let name = tokens::plain(&name.ident);
            add(Some(name.clone()), Some(name));
        }
        UseTree::Rename(rename) if rename.ident == "self" => {
            add(None, Some(tokens::plain(&rename.rename)));
        }
        UseTree::Rename(rename) => {
            add(Some(tokens::plain(&rename.ident)), Some(tokens::plain(&rename.rename)));
        }
        UseTree::Glob(_) => add(None, None),
        UseTree::Group(group) => {
            for tree in &group.items {
                collect(tree, prefix, is_reexport, imports);
            }
        }
    }
}

/// The imports inside functions and blocks. These count as imports of the module.
pub(super) fn nested_in(code: &TokenStream) -> Vec<Import> {
    let code: Vec<TokenTree> = code.clone().into_iter().collect();
    let mut imports = Vec::new();
    for (place, tree) in code.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => imports.extend(nested_in(&group.stream())),
            TokenTree::Ident(ident) if ident == "use" => {
                let rest = code.iter().skip(place);
                let end = rest.clone().position(|tree| tokens::is_punct(tree, ';'));
                let declaration = rest.take(end.map_or(0, |end| end + 1)).cloned().collect();
                if let Ok(item) = syn::parse2::<ItemUse>(declaration) {
                    imports.extend(of(&item.tree, false));
                }
            }
            _ => {}
        }
    }
    imports
}
