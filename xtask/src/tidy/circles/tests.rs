//! Tests with small crates. In each crate, one file needs another one in a different way.

use std::path::Path;

use anyhow::Context as _;

use super::{resolve, source::Tree};

/// A crate: the path of each file below `src`, and its text.
type Files<'a> = &'a [(&'a str, &'a str)];

#[track_caller]
fn check(files: Files<'_>, expected: &[&str]) {
    let read = |path: &Path| {
        let found = files.iter().find(|(name, _)| Path::new("src").join(name) == path);
        found.map(|(_, text)| (*text).to_owned()).context("no such file")
    };
    let tree = Tree::read(Path::new("src/lib.rs"), &read).expect("a crate");
    let graph = resolve::graph(&tree);
    let circles: Vec<String> = graph.circles().iter().map(|circle| graph.line(circle)).collect();
    assert_eq!(circles, expected, "{}", graph.describe(&graph.circles()));
}

#[test]
fn two_files_that_take_names_from_each_other_are_a_circle() {
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A(B);"),
            ("b.rs", "use crate::a::A; pub struct B(Box<A>);"),
        ],
        &["a.rs → b.rs → a.rs"],
    );
}

#[test]
fn arrows_in_one_direction_are_no_circle() {
    check(
        &[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b::B; use super::c::C; pub struct A(B, C);"),
            ("b.rs", "use crate::c::C; pub struct B(C);"),
            ("c.rs", "use std::fmt::Debug; pub struct C;"),
        ],
        &[],
    );
}

#[test]
fn a_circle_of_three_is_found_once() {
    check(
        &[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b::B; pub struct A(B);"),
            ("b.rs", "use crate::c::C; pub struct B(C);"),
            ("c.rs", "use crate::a::A; pub struct C(A);"),
        ],
        &["a.rs → b.rs → c.rs → a.rs"],
    );
}

#[test]
fn paths_in_the_code_count_like_imports() {
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "pub fn a() { crate::b::b() }"),
            ("b.rs", "use crate::a; pub fn b() { if a::a() { } }"),
        ],
        &["a.rs → b.rs → a.rs"],
    );
}

#[test]
fn the_arguments_of_macros_count() {
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "pub fn a() { println!(\"{}\", crate::b::B) }"),
            ("b.rs", "use crate::a::a; pub const B: u8 = 0; fn b() { assert!(a() == ()) }"),
        ],
        &["a.rs → b.rs → a.rs"],
    );
}

#[test]
fn an_import_inside_a_function_counts() {
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "pub fn a() { use super::b::{self, B}; b::b(); }"),
            ("b.rs", "use crate::a::a; pub struct B; pub fn b() {}"),
        ],
        &["a.rs → b.rs → a.rs"],
    );
}

#[test]
fn an_index_that_reexports_its_children_is_no_circle() {
    check(
        &[
            ("lib.rs", "mod a; pub use a::{One, Two};"),
            ("a.rs", "mod one; mod two; pub use one::One; pub(crate) use self::two::Two;"),
            ("a/one.rs", "use super::Two; pub struct One(Two);"),
            ("a/two.rs", "use std::fmt; pub struct Two;"),
        ],
        &[],
    );
}

#[test]
fn children_that_need_each_other_through_the_index_are_a_circle() {
    check(
        &[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod one; mod two; pub use one::One; pub use two::*;"),
            ("a/one.rs", "use super::Two; pub struct One(Two);"),
            ("a/two.rs", "pub struct Two(Box<crate::a::One>);"),
        ],
        &["a/one.rs → a/two.rs → a/one.rs"],
    );
}

#[test]
fn a_child_that_takes_what_its_parent_defines_is_a_circle() {
    check(
        &[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod one; pub use one::One; pub struct Limit;"),
            ("a/one.rs", "use super::Limit; pub struct One(Limit);"),
        ],
        &["a.rs → a/one.rs → a.rs"],
    );
    check(
        &[
            ("lib.rs", "mod a; const LIMIT: u8 = 1;"),
            ("a.rs", "mod one;"),
            ("a/one.rs", "pub fn one() -> u8 { crate::LIMIT }"),
        ],
        &["lib.rs → a/one.rs → lib.rs"],
    );
}

#[test]
fn a_private_import_of_the_parent_is_no_reexport() {
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "mod one; use crate::b::B; fn a(b: B) { one::one(b) }"),
            ("a/one.rs", "pub fn one(b: super::B) {}"),
            ("b.rs", "pub struct B;"),
        ],
        &["a.rs → a/one.rs → a.rs"],
    );
}

#[test]
fn what_an_index_uses_of_its_reexports_counts() {
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "mod one; pub use one::One; pub fn a() -> One { One }"),
            ("a/one.rs", "use crate::b::B; pub struct One;"),
            ("b.rs", "use crate::a::a; pub struct B;"),
        ],
        &["a.rs → a/one.rs → b.rs → a.rs"],
    );
}

#[test]
fn tests_do_not_count() {
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            (
                "a.rs",
                "pub struct A; #[cfg(test)] mod tests { use super::*; use crate::b::B; }\n\
                 #[cfg(test)] use crate::b::B; #[cfg(all(test, unix))] fn c() { crate::b::b() }\n\
                 impl A { #[cfg(test)] fn t<T, U>() -> B { crate::b::b() } }",
            ),
            ("b.rs", "use crate::a::A; pub struct B(A);"),
        ],
        &[],
    );
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "pub struct A; #[cfg(not(test))] use crate::b::B;"),
            ("b.rs", "use crate::a::A; pub struct B(A);"),
        ],
        &["a.rs → b.rs → a.rs"],
    );
}

#[test]
fn code_after_what_only_tests_see_counts() {
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "impl A { #[cfg(test)] fn t() {} fn u() { crate::b::b() } } pub struct A;"),
            ("b.rs", "use crate::a::A; pub fn b() {}"),
        ],
        &["a.rs → b.rs → a.rs"],
    );
}

#[test]
fn fields_methods_and_variables_are_no_names_of_items() {
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            (
                "a.rs",
                "mod one; pub use one::{one, two}; pub struct A { pub one: u8 }\n\
                fn a(a: A) -> u8 { let one = a.one; one + a.two() }",
            ),
            ("a/one.rs", "use crate::b::B; pub fn one() {} pub fn two() {}"),
            ("b.rs", "use crate::a::A; pub struct B;"),
        ],
        &[],
    );
}

#[test]
fn the_root_of_the_workspace_is_not_the_root_of_a_path() {
    // `other::a` is another crate, although a module here has the same name.
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use other::b::B; pub struct A(::b::B);"),
            ("b.rs", "use crate::a::A; pub struct B(A);"),
        ],
        &[],
    );
}

#[test]
fn an_item_of_another_crate_comes_through_a_file_without_an_arrow() {
    check(
        &[
            ("lib.rs", "mod a; pub use other::{Thing, more::*};"),
            ("a.rs", "use crate::Thing; fn a() { crate::more_of_it() }"),
        ],
        &[],
    );
}

#[test]
fn names_behind_a_glob_count() {
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::*; pub fn a() -> B { B::new() }"),
            ("b.rs", "use crate::a::*; pub struct B; fn b() -> A { a() }"),
        ],
        &["a.rs → b.rs → a.rs"],
    );
}

#[test]
fn an_exported_macro_is_of_the_file_that_defines_it() {
    check(
        &[
            ("lib.rs", "mod setters; mod a;"),
            ("setters.rs", "#[macro_export] macro_rules! setters { () => { $crate::a::A } }"),
            ("a.rs", "crate::setters! {} pub struct A;"),
        ],
        &["setters.rs → a.rs → setters.rs"],
    );
}

#[test]
fn a_module_in_a_file_is_part_of_it() {
    check(
        &[
            ("lib.rs", "mod a;"),
            ("a.rs", "use inner::X; mod inner { use super::A; pub struct X(A); } pub struct A;"),
        ],
        &[],
    );
    check(
        &[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod inner { mod deep; pub struct X; }"),
            ("a/inner/deep.rs", "use super::X;"),
        ],
        &["a.rs → a/inner/deep.rs → a.rs"],
    );
}

#[test]
fn renamed_imports_lead_to_the_same_file() {
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b as other; pub fn a() { other::b() }"),
            ("b.rs", "use crate::a::a as call; pub fn b() { call() }"),
        ],
        &["a.rs → b.rs → a.rs"],
    );
}

#[test]
fn files_in_either_layout_and_with_a_path_are_found() {
    check(
        &[
            ("lib.rs", "mod a; #[path = \"odd.rs\"] mod b;"),
            ("a/mod.rs", "mod c;"),
            ("a/c.rs", "use crate::b::B; pub struct C(B);"),
            ("odd.rs", "pub type B = super::a::c::C;"),
        ],
        &["a/c.rs → odd.rs → a/c.rs"],
    );
}

#[test]
fn visibility_is_no_need() {
    check(
        &[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod one; pub struct A; use one::One;"),
            (
                "a/one.rs",
                "pub(super) struct One; pub(in crate::a) fn f() {} pub(crate) struct P(pub(super) u8);",
            ),
        ],
        &[],
    );
}
