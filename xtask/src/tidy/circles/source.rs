//! The modules of one crate. Each module has its file, the items that it defines, its imports, and its code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Attribute, Expr, Item, ItemMod, Lit, Meta, Visibility};

use super::imports::{self, Import};
use super::tokens;

/// The files and the modules of a crate. An index identifies each file and each module.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// The files, relative to the folder of the first one.
    pub(super) files: Vec<PathBuf>,
    /// The modules; the first is the crate itself.
    pub(super) modules: Vec<Module>,
}

/// One module, without code that only tests compile.
#[derive(Debug, Default)]
pub(super) struct Module {
    pub(super) file: usize,
    pub(super) parent: Option<usize>,
    pub(super) children: BTreeMap<String, usize>,
    /// The items that the module defines, each with the index of its file. An exported macro is an item of the first
    /// module, with the file that defines the macro.
    pub(super) items: BTreeMap<String, usize>,
    pub(super) imports: Vec<Import>,
    /// The code of every item except imports and modules.
    pub(super) code: Vec<TokenStream>,
}

/// The function that reads a file. Tests read from memory instead.
pub(super) type Read<'a> = &'a dyn Fn(&Path) -> Result<String>;

impl Tree {
    /// Reads a crate, beginning with its first file.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or is not valid Rust.
    pub(super) fn read(root: &Path, read: Read<'_>) -> Result<Self> {
        let folder = root.parent().unwrap_or(Path::new("")).to_owned();
        let mut reader = Reader { tree: Self::default(), folder: folder.clone(), read };
        reader.file(root, &folder, None)?;
        Ok(reader.tree)
    }
}

struct Reader<'a> {
    tree: Tree,
    /// The folder of the first file.
    folder: PathBuf,
    read: Read<'a>,
}

impl Reader<'_> {
    /// Reads the module in the file `path`. `folder` is the folder with the files of its children.
    fn file(&mut self, path: &Path, folder: &Path, parent: Option<usize>) -> Result<usize> {
        let shown = || format!("cannot read `{}`", path.display());
        let text = (self.read)(path).with_context(shown)?;
        let parsed = syn::parse_file(&text).with_context(shown)?;
        let file = self.tree.files.len();
        self.tree.files.push(path.strip_prefix(&self.folder).unwrap_or(path).to_owned());
        self.module(&parsed.items, file, path, folder, parent)
    }

    fn module(
        &mut self,
        items: &[Item],
        file: usize,
        path: &Path,
        folder: &Path,
        parent: Option<usize>,
    ) -> Result<usize> {
        let number = self.tree.modules.len();
        self.tree.modules.push(Module { file, parent, ..Module::default() });
        for item in items.iter().filter(|item| !attributes(item).iter().any(is_for_tests)) {
            match item {
                Item::Mod(child) => {
                    let child_number = self.child(child, number, path, folder)?;
                    let name = tokens::plain(&child.ident);
                    self.tree.modules[number].children.insert(name, child_number);
                }
                Item::Use(item) => {
                    let is_reexport = !matches!(item.vis, Visibility::Inherited);
                    let imports = imports::of(&item.tree, is_reexport);
                    self.tree.modules[number].imports.extend(imports);
                }
                item => self.item(item, number, file),
            }
        }
        Ok(number)
    }

    fn item(&mut self, item: &Item, module: usize, file: usize) {
        if let Some(name) = defined_name(item) {
            let is_exported_macro =
                attributes(item).iter().any(|attribute| attribute.path().is_ident("macro_export"));
            let home = if is_exported_macro { 0 } else { module };
            self.tree.modules[home].items.insert(name, file);
        }
        let code = item.to_token_stream();
        self.tree.modules[module].imports.extend(imports::nested_in(&code));
        self.tree.modules[module].code.push(code);
    }

    fn child(
        &mut self,
        child: &ItemMod,
        parent: usize,
        path: &Path,
        folder: &Path,
    ) -> Result<usize> {
        let name = tokens::plain(&child.ident);
        let own_folder = folder.join(&name);
        if let Some((_, items)) = &child.content {
            let file = self.tree.modules[parent].file;
            return self.module(items, file, path, &own_folder, Some(parent));
        }
        if let Some(named) = child.attrs.iter().find_map(path_attribute) {
            let file = path.parent().unwrap_or(Path::new("")).join(named);
            return self.file(&file, file.parent().unwrap_or(Path::new("")), Some(parent));
        }
        let beside = folder.join(format!("{name}.rs"));
        if (self.read)(&beside).is_ok() {
            return self.file(&beside, &own_folder, Some(parent));
        }
        self.file(&own_folder.join("mod.rs"), &own_folder, Some(parent))
    }
}

fn defined_name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(tokens::plain(ident))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && tokens::needs_test(&list.tokens),
        Meta::Path(path) => path.is_ident("test"),
        Meta::NameValue(_) => false,
    }
}

/// The path in an attribute `#[path = "…"]`.
fn path_attribute(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    let Expr::Lit(literal) = &pair.value else { return None };
    let Lit::Str(text) = &literal.lit else { return None };
    pair.path.is_ident("path").then(|| text.value())
}
