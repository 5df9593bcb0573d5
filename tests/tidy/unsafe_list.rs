//! Unsafe code lives in the files that docs/unsafe.md lists; all others forbid it.

use std::collections::BTreeSet;

use crate::lexer::Token;
use crate::tree::{File, Tree};

pub(crate) fn check(tree: &Tree, list: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut listed = BTreeSet::new();
    for row in rows(list) {
        if row.len() != 4 || row.iter().any(|cell| cell.is_empty()) {
            complaints.push(format!(
                "docs/unsafe.md: {}: file, invariant, who relies on it, test: four cells",
                row[0]
            ));
        }
        listed.insert(row[0].trim_matches('`').to_owned());
    }
    for file in &tree.files {
        let path = format!("runtime/{}", file.path);
        let allows = has_lint(&file.lexed.tokens(), &["allow", "expect"]);
        if allows && !listed.remove(&path) {
            complaints.push(format!(
                "{path}:1: allows unsafe code, but has no row in docs/unsafe.md"
            ));
        }
        // lib.rs and mod.rs stand above files of both kinds; a mod.rs holds no code anyway.
        if !allows && !file.is_lib() && !file.is_mod() && !forbidden(tree, file) {
            complaints.push(format!(
                "{path}:1: add `#![forbid(unsafe_code)]`, here or in its mod.rs"
            ));
        }
    }
    for path in listed {
        complaints.push(format!(
            "docs/unsafe.md: {path} is not there, or allows no unsafe code"
        ));
    }
    complaints
}

/// The rows of the first table that are about a file.
fn rows(list: &str) -> impl Iterator<Item = Vec<&str>> {
    list.lines()
        .filter(|line| line.starts_with("| `runtime/"))
        .map(|line| {
            line.trim()
                .trim_matches('|')
                .split(" | ")
                .map(str::trim)
                .collect()
        })
}

/// Has it an attribute with one of these levels for `unsafe_code`?
fn has_lint(tokens: &[Token<'_>], levels: &[&str]) -> bool {
    tokens
        .windows(3)
        .any(|w| levels.contains(&w[0].text) && w[1].text == "(" && w[2].text == "unsafe_code")
}

/// By itself or by a folder it lies in.
fn forbidden(tree: &Tree, file: &File) -> bool {
    let forbids = |f: &File| has_lint(&f.lexed.tokens(), &["forbid"]);
    let above = |f: &&File| f.is_mod() && file.module.starts_with(&f.module);
    forbids(file) || tree.files.iter().filter(above).any(forbids)
}

/// The tests that the rows name, in back quotes: do they exist?
pub(crate) fn tests_exist(list: &str, sources: &[(String, String)]) -> Vec<String> {
    let is_name = |word: &&str| word.contains('_') && !word.contains(['/', '.', ':', '(']);
    let mut complaints = Vec::new();
    for row in rows(list) {
        for name in row[row.len() - 1]
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(is_name)
        {
            let function = format!("fn {name}(");
            if !sources.iter().any(|(_, text)| text.contains(&function)) {
                complaints.push(format!("docs/unsafe.md: {}: no test {name}", row[0]));
            }
        }
    }
    complaints
}

#[cfg(test)]
const LIST: &str = "| file | invariant | who | test |\n|---|---|---|---|\n\
                    | `runtime/sys/mem.rs` | it maps | all | `t` |\n";

#[cfg(test)]
fn found(list: &str, files: &[(&str, &str)]) -> Vec<String> {
    check(&crate::tree::of(files), list)
}

#[cfg(test)]
const MEM: (&str, &str) = ("sys/mem.rs", "#![allow(unsafe_code, reason = \"x\")]\n");

#[test]
fn the_list_and_the_files_agree() {
    let good = [
        ("lib.rs", ""),
        ("base/mod.rs", "#![forbid(unsafe_code)]\nmod prim;"),
        ("base/prim.rs", ""),
        ("sys/mod.rs", "mod mem;\nmod note;"),
        MEM,
        ("sys/note.rs", "#![forbid(unsafe_code)]"),
    ];
    assert_eq!(found(LIST, &good), [""; 0]);
}

#[test]
fn each_way_to_disagree_is_found() {
    let one = |list: &str, files: &[(&str, &str)], words: &str| {
        let found = found(list, files);
        assert!(
            found.len() == 1 && found[0].contains(words),
            "{words}: {found:?}"
        );
    };
    one("", &[MEM], "no row");
    one(LIST, &[], "is not there");
    one(
        LIST,
        &[("sys/mem.rs", "#![forbid(unsafe_code)]")],
        "allows no unsafe code",
    );
    one(
        LIST,
        &[MEM, ("sys/note.rs", "// #![forbid(unsafe_code)]")],
        "add `#![forbid",
    );
    one(
        LIST,
        &[MEM, ("g/mod.rs", "mod list;"), ("g/list.rs", "")],
        "add `#![forbid",
    );
    one(
        "| `runtime/sys/mem.rs` | it maps | | `t` |\n",
        &[MEM],
        "four cells",
    );
    let item = "#![deny(unsafe_code)]\n#[allow(unsafe_code)]\nfn f() {}";
    one(LIST, &[MEM, ("g/list.rs", item)], "no row");
}

#[test]
fn a_test_that_does_not_exist_is_found() {
    let list = "| `runtime/a.rs` | x | y | `it_holds` in `a.rs`, `tests/b.rs` |\n";
    let source = |text: &str| [("a.rs".to_owned(), text.to_owned())];
    assert_eq!(tests_exist(list, &source("fn it_holds() {}")), [""; 0]);
    assert_eq!(tests_exist(list, &source("fn it_held() {}")).len(), 1);
}
