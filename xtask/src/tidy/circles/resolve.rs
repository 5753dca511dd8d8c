//! Finds for each path in the code the file that defines the item.

use std::collections::BTreeSet;

use super::graph::Graph;
use super::imports::Import;
use super::source::Tree;
use super::tokens::{self, Mention};

/// The label of an arrow from a file to a module that it declares.
const DECLARES: &str = "(declares it)";

/// Builds the graph of the files. An arrow leads from each file to each file that defines an item whose name the first
/// file uses.
pub(super) fn graph(tree: &Tree) -> Graph {
    let mut graph = Graph::new(tree.files.clone());
    for (number, module) in tree.modules.iter().enumerate() {
        let mut add = |path: &[String]| {
            for (file, item) in resolve(tree, number, path) {
                graph.add(module.file, file, item);
            }
        };
        // A re-export alone is no need: it counts where the module itself uses the name.
        for import in module.imports.iter().filter(|import| !import.is_reexport) {
            add(&import.path);
        }
        for mention in module.code.iter().flat_map(tokens::mentions) {
            if counts(tree, number, &mention) {
                add(&mention.path);
            }
        }
    }
    add_declarations(tree, &mut graph);
    graph
}

/// Whether a path in the code counts as a need of another file. A path of several segments counts. A single name counts
/// only if it is spelled like an item, and the module neither defines nor privately imports the name; a private import
/// counts by itself.
fn counts(tree: &Tree, module: usize, mention: &Mention) -> bool {
    let Some(first) = mention.path.first() else { return false };
    if mention.path.len() > 1 {
        return true;
    }
    let module = &tree.modules[module];
    let is_imported = |name: &String| {
        module
            .imports
            .iter()
            .any(|import| !import.is_reexport && import.name.as_ref() == Some(name))
    };
    mention.is_item && !module.items.contains_key(first) && !is_imported(first)
}

/// Adds an arrow from a file to each child that takes a name from a file above the child. So such a child makes a
/// circle even if the file above does not name the child.
fn add_declarations(tree: &Tree, graph: &mut Graph) {
    let taken: BTreeSet<(usize, usize)> = graph.arrows().into_iter().collect();
    for module in &tree.modules {
        let mut above = module.parent;
        while let Some(number) = above {
            let ancestor = &tree.modules[number];
            if taken.contains(&(module.file, ancestor.file)) {
                graph.add(ancestor.file, module.file, DECLARES.to_owned());
            }
            above = ancestor.parent;
        }
    }
}

/// The files that define the item of a path, as the module `module` sees the path; each with the name of the item. A
/// path to a module or to an item of another crate has no such file.
fn resolve(tree: &Tree, module: usize, path: &[String]) -> BTreeSet<(usize, String)> {
    let mut search = Search { tree, seen: BTreeSet::new(), found: BTreeSet::new() };
    search.path(module, path, Via::Path);
    search.found
}

/// The way in which a name is looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Via {
    /// By a complete path. The name exists there, because the compiler has found it.
    Path,
    /// Through a glob import, which may or may not import the name.
    Glob,
}

struct Search<'a> {
    tree: &'a Tree,
    /// The names that were already looked up, with their module. Without this set, globs that import each other would
    /// never end.
    seen: BTreeSet<(usize, Vec<String>)>,
    found: BTreeSet<(usize, String)>,
}

impl Search<'_> {
    /// Looks up a path as the code of the module `from` sees it.
    fn path(&mut self, from: usize, path: &[String], via: Via) {
        let mut module = from;
        let mut rest = path;
        while let Some((first, after)) = rest.split_first() {
            module = match first.as_str() {
                "crate" => 0,
                "self" => module,
                "super" => self.tree.modules[module].parent.unwrap_or(0),
                _ => break,
            };
            rest = after;
        }
        self.name(from, module, rest, via);
    }

    /// Looks up a path that begins with a name in the module `module`, as the file of the module `viewer` sees it.
    fn name(&mut self, viewer: usize, module: usize, path: &[String], via: Via) {
        let Some((name, rest)) = path.split_first() else { return };
        if !self.seen.insert((module, path.to_vec())) {
            return;
        }
        let tree = self.tree;
        let place = &tree.modules[module];
        let child = place.children.get(name);
        if let Some(child) = child
            && !rest.is_empty()
        {
            return self.name(viewer, *child, rest, via);
        }
        if let Some(file) = place.items.get(name) {
            self.found.insert((*file, name.clone()));
            return;
        }
        let is_own = tree.modules[viewer].file == place.file;
        let named: Vec<&Import> =
            place.imports.iter().filter(|import| import.name.as_ref() == Some(name)).collect();
        for import in &named {
            if is_own || import.is_reexport {
                self.path(module, &[import.path.as_slice(), rest].concat(), via);
            } else {
                // A private import is no re-export: a file that takes a name through it needs this file.
                self.found.insert((place.file, name.clone()));
            }
        }
        // A glob is not looked for behind the globs of its own module: that would not end.
        let is_start_of_glob = via == Via::Glob && viewer == module;
        if named.is_empty() && child.is_none() && !is_start_of_glob {
            self.through_globs(is_own, module, path, via);
        }
    }

    /// Looks up a name through the glob imports (`use …::*`) of a module.
    fn through_globs(&mut self, is_own: bool, module: usize, path: &[String], via: Via) {
        let place = &self.tree.modules[module];
        let globs = place.imports.iter().filter(|import| import.name.is_none());
        let globs: Vec<&Import> = globs.filter(|import| is_own || import.is_reexport).collect();
        for glob in &globs {
            self.path(module, &[glob.path.as_slice(), path].concat(), Via::Glob);
        }
        // The path names something and nothing in sight defines it, so a macro does that this file calls.
        if globs.is_empty() && !is_own && via == Via::Path {
            self.found.extend(path.first().map(|name| (place.file, name.clone())));
        }
    }
}
