//! The files of a module tree, and the order in which each folder lists its modules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::lexer::{self, Lexed, Token};

#[derive(Debug)]
pub(crate) struct File {
    /// Below the tree's root, with `/`: `sched/find.rs`.
    pub(crate) path: String,
    /// `["sched", "find"]`; a `mod.rs` has its folder's, `lib.rs` none.
    pub(crate) module: Vec<String>,
    pub(crate) source: String,
    pub(crate) lexed: Lexed,
}

impl File {
    pub(crate) fn is_mod(&self) -> bool {
        self.path.ends_with("mod.rs")
    }

    pub(crate) fn is_lib(&self) -> bool {
        self.path == "lib.rs" || self.path == "mini/lib.rs"
    }
}

/// What a module says about the modules below it.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    /// In the order of the `mod` lines.
    pub(crate) children: Vec<String>,
    /// Those that only tests or models have.
    pub(crate) tests: BTreeSet<String>,
    /// What `pub use` makes visible: its name, and the path it stands for, from the crate root.
    pub(crate) exports: BTreeMap<String, Vec<String>>,
}

#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
    pub(crate) folders: BTreeMap<Vec<String>, Folder>,
}

impl Tree {
    /// Without `runtime/mini`, which is a package of its own.
    pub(crate) fn runtime(root: &Path) -> Tree {
        let mut files = read_all(&root.join("runtime"), ".rs");
        files.retain(|(path, _)| !path.starts_with("mini/"));
        Tree::new(files)
    }

    /// `runtime/mini`, without its steps and tests.
    pub(crate) fn mini(root: &Path) -> Tree {
        let mut files = read_all(&root.join("runtime/mini"), ".rs");
        files.retain(|(path, _)| !path.contains('/'));
        Tree::new(files)
    }

    /// Both, for rules that know no modules.
    pub(crate) fn both(root: &Path) -> Tree {
        let mut files = read_all(&root.join("runtime"), ".rs");
        files.retain(|(path, _)| !path.starts_with("mini/") || path.matches('/').count() == 1);
        Tree::new(files)
    }

    /// From (path, text) pairs.
    pub(crate) fn new(files: Vec<(String, String)>) -> Tree {
        let mut files: Vec<File> = files
            .into_iter()
            .map(|(path, source)| File {
                module: module_of(&path),
                lexed: lexer::lex(&source),
                path,
                source,
            })
            .collect();
        let folders: BTreeMap<_, _> = files
            .iter()
            .map(|f| (f.module.clone(), folder(f)))
            .collect();
        for file in &mut files {
            if is_test_file(&folders, &file.module) {
                file.lexed.test.fill(true);
            }
        }
        Tree { files, folders }
    }

    /// The words for a place in a file: `runtime/PATH:LINE`.
    pub(crate) fn at(file: &File, line: usize) -> String {
        format!("runtime/{}:{}", file.path, line + 1)
    }
}

fn module_of(path: &str) -> Vec<String> {
    let stem = path.trim_end_matches(".rs");
    let mut module: Vec<String> = stem.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod") || module == ["lib"] {
        module.pop();
    }
    module
}

fn is_test_file(folders: &BTreeMap<Vec<String>, Folder>, module: &[String]) -> bool {
    (0..module.len()).any(|i| {
        folders
            .get(&module[..i])
            .is_some_and(|folder| folder.tests.contains(&module[i]))
    })
}

fn folder(file: &File) -> Folder {
    let tokens = file.lexed.tokens();
    let mut folder = Folder::default();
    let mut depth = 0;
    for (i, t) in tokens.iter().enumerate() {
        match t.text {
            "{" => depth += 1,
            "}" => depth -= 1,
            "mod" if depth == 0 && tokens.get(i + 2).is_some_and(|t| t.text == ";") => {
                let name = tokens[i + 1].text.to_owned();
                if file.lexed.test[t.line] {
                    folder.tests.insert(name.clone());
                }
                if !folder.children.contains(&name) {
                    folder.children.push(name);
                }
            }
            _ => {}
        }
    }
    for path in paths(&tokens, &file.module)
        .into_iter()
        .filter(|p| p.exported)
    {
        folder.exports.insert(path.name, path.target);
    }
    // A `pub use child::name` without `self::` is as good.
    for (name, target) in bare_exports(&tokens) {
        if folder.children.contains(&target[0]) {
            let full = file.module.iter().cloned().chain(target).collect();
            folder.exports.insert(name, full);
        }
    }
    folder
}

/// A path that begins with `crate`, `self` or `super`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PathUse {
    /// From the crate root, without `crate`. A glob is the path before it.
    pub(crate) target: Vec<String>,
    /// The name by which it is known here.
    pub(crate) name: String,
    pub(crate) line: usize,
    /// In a `pub use` of any visibility.
    pub(crate) exported: bool,
    /// The path of a macro call, or followed by one: not a module's.
    pub(crate) is_macro: bool,
}

/// All such paths in a file whose own path is `module`; `use` trees are spelled out.
pub(crate) fn paths(tokens: &[Token<'_>], module: &[String]) -> Vec<PathUse> {
    let mut found = Vec::new();
    let mut here = module.to_vec();
    let mut inline = Vec::new(); // brace depths at which an inline module ends
    let mut depth = 0;
    for (i, t) in tokens.iter().enumerate() {
        let next = |n: usize| tokens.get(i + n).map_or("", |t| t.text);
        match t.text {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                if inline.last() == Some(&depth) {
                    inline.pop();
                    here.pop();
                }
            }
            "mod" if next(2) == "{" => {
                inline.push(depth);
                here.push(next(1).to_owned());
            }
            "crate" | "self" | "super" if next(1) == ":" && next(2) == ":" => {
                let continues =
                    i >= 2 && tokens[i - 1].text == ":" && tokens[i - 2].text == ":";
                if !continues {
                    let exported = is_pub_use(tokens, i);
                    let first = found.len();
                    spell_out(tokens, i, Vec::new(), &mut found);
                    for path in &mut found[first..] {
                        path.exported = exported;
                        path.target = absolute(&path.target, &here);
                    }
                }
            }
            _ => {}
        }
    }
    found
}

fn is_pub_use(tokens: &[Token<'_>], at: usize) -> bool {
    at >= 1
        && tokens[at - 1].text == "use"
        && at >= 2
        && matches!(tokens[at - 2].text, "pub" | ")")
}

fn bare_exports(tokens: &[Token<'_>]) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for i in 0..tokens.len() {
        let path = i >= 1 && is_pub_use(tokens, i);
        if path && !matches!(tokens[i].text, "crate" | "self" | "super") {
            spell_out(tokens, i, Vec::new(), &mut found);
        }
    }
    found
        .into_iter()
        .map(|p: PathUse| (p.name, p.target))
        .collect()
}

/// Reads a path or a `use` tree from `i`; returns the index after it.
fn spell_out(
    tokens: &[Token<'_>],
    mut i: usize,
    mut prefix: Vec<String>,
    out: &mut Vec<PathUse>,
) -> usize {
    let text = |i: usize| tokens.get(i).map_or("", |t| t.text);
    let line = tokens[i.min(tokens.len() - 1)].line;
    loop {
        match text(i) {
            "{" => {
                i += 1;
                while !matches!(text(i), "}" | "") {
                    i = spell_out(tokens, i, prefix.clone(), out);
                    i += usize::from(text(i) == ",");
                }
                return i + 1;
            }
            "*" => {
                out.push(path_use(prefix, "*", line));
                return i + 1;
            }
            "self" if !prefix.is_empty() => i += 1, // `a::{self}`
            word => {
                prefix.push(word.to_owned());
                i += 1;
            }
        }
        let more = text(i) == ":" && text(i + 1) == ":";
        let turbofish = more && text(i + 2) == "<";
        if !more || turbofish {
            break;
        }
        i += 2;
    }
    let mut name = prefix.last().cloned().unwrap_or_default();
    let is_macro = text(i) == "!";
    if text(i) == "as" {
        name = text(i + 1).to_owned();
        i += 2;
    }
    let mut path = path_use(prefix, &name, line);
    path.is_macro = is_macro;
    out.push(path);
    i.max(1)
}

fn path_use(target: Vec<String>, name: &str, line: usize) -> PathUse {
    PathUse {
        target,
        name: name.to_owned(),
        line,
        exported: false,
        is_macro: false,
    }
}

fn absolute(path: &[String], here: &[String]) -> Vec<String> {
    let mut base = here.to_vec();
    let mut rest = path;
    while let Some(first) = rest.first() {
        match first.as_str() {
            "crate" => base.clear(),
            "super" => drop(base.pop()),
            "self" => {}
            _ => break,
        }
        rest = &rest[1..];
    }
    base.extend_from_slice(rest);
    base
}

/// The files below `root` whose name ends so, with their text; build output left out.
pub(crate) fn read_all(root: &Path, end: &str) -> Vec<(String, String)> {
    list_all(root)
        .into_iter()
        .filter(|path| path.ends_with(end))
        .map(|path| {
            let text = fs::read_to_string(root.join(&path)).unwrap();
            (path, text)
        })
        .collect()
}

/// All paths below `root`, sorted; hidden folders and build output left out.
pub(crate) fn list_all(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![String::new()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let hidden = name.starts_with('.') && name != ".ci";
            if hidden || name == "target" {
                continue;
            }
            let path = if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            };
            if entry.file_type().unwrap().is_dir() {
                left.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
pub(crate) fn of(files: &[(&str, &str)]) -> Tree {
    Tree::new(
        files
            .iter()
            .map(|(p, s)| ((*p).to_owned(), (*s).to_owned()))
            .collect(),
    )
}

#[test]
fn paths_are_spelled_out_from_the_root() {
    let here = ["b".to_owned(), "c".to_owned()];
    let code = "use crate::a::{x, y::{self, z as w}}; pub(crate) use super::d::*;
                fn f() { self::g::<u8>(); crate::m!(); mod t { use super::q; } }";
    let found: Vec<(String, String)> = paths(&lexer::tokens(code), &here)
        .into_iter()
        .map(|p| (p.target.join("/"), p.name))
        .collect();
    let expect = [
        ("a/x", "x"),
        ("a/y", "y"),
        ("a/y/z", "w"),
        ("b/d", "*"),
        ("b/c/g", "g"),
        ("m", "m"),
        ("b/c/q", "q"),
    ];
    assert_eq!(found, expect.map(|(a, b)| (a.to_owned(), b.to_owned())));
}
