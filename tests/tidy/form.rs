//! The form of one file: its length, its header, what a `mod.rs` may hold, banned words.

use crate::lexer::{self, Token};
use crate::tree::{File, Tree};

const MAX_LINES: usize = 400;

/// Words of code that only the named files may hold.
const BANNED: &[(&str, &[&str])] = &[
    // Plain threads only, and never inlined into a goroutine: see m/current.rs.
    (
        "thread_local!",
        &[
            "ext/plain_threads/foreign.rs",
            "api/thread/foreign_thread.rs",
            "api/thread/local.rs",
        ],
    ),
    // A thread that sleeps keeps its P from others.
    ("std::thread::sleep", &[]),
    // Takes a lock that a preempted goroutine may hold; sys/fatal.rs has `RawStderr`.
    ("println!", &[]),
    ("eprint!", &[]),
];

pub(crate) fn length_and_header(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in &tree.files {
        let lines = file.source.lines().count();
        if lines > MAX_LINES {
            complaints.push(format!(
                "{}: {lines} lines, at most {MAX_LINES}: split it by idea",
                Tree::at(file, 0)
            ));
        }
        if !file.source.starts_with("//!") {
            complaints.push(format!(
                "{}: begin with a `//!` header that says what this file is",
                Tree::at(file, 0)
            ));
        }
    }
    complaints
}

pub(crate) fn mod_files(tree: &Tree) -> Vec<String> {
    tree.files
        .iter()
        .filter(|f| f.is_mod())
        .filter_map(code_in_mod_file)
        .collect()
}

fn code_in_mod_file(file: &File) -> Option<String> {
    let tokens = file.lexed.tokens();
    let mut i = 0;
    while i < tokens.len() {
        let start = i;
        i = after_item(&tokens, start);
        if i == start {
            return Some(format!(
                "{}: `{}` in a mod.rs, which holds docs, `mod`, `use` and attributes only",
                Tree::at(file, tokens[i].line),
                tokens[i].text
            ));
        }
    }
    None
}

/// The index after an attribute, a `mod` line or a `use` line; `start` if it is none of them.
fn after_item(tokens: &[Token<'_>], start: usize) -> usize {
    let text = |i: usize| tokens.get(i).map_or("", |t| t.text);
    let mut i = start;
    if text(i) == "#" {
        i += 1 + usize::from(text(i + 1) == "!");
        return lexer::skip_group(tokens, i);
    }
    if text(i) == "pub" {
        i += 1;
        if text(i) == "(" {
            i = lexer::skip_group(tokens, i);
        }
    }
    match text(i) {
        "mod" if text(i + 2) == ";" => i + 3,
        "use" => tokens
            .iter()
            .skip(i)
            .position(|t| t.text == ";")
            .map_or(start, |n| i + n + 1),
        _ => start,
    }
}

pub(crate) fn banned(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in &tree.files {
        for (n, line) in file.lexed.lines().iter().enumerate() {
            for (word, allowed) in BANNED {
                let here = line.contains(word) && !file.lexed.test[n];
                if here && !allowed.contains(&&*file.path) {
                    complaints.push(format!("{}: `{word}` in the runtime", Tree::at(file, n)));
                }
            }
        }
    }
    complaints
}

/// What holds for one CPU or system stands in a file of its own: a `mod.rs` picks the file, and
/// `lib.rs` refuses the others.
pub(crate) fn one_cpu(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in tree.files.iter().filter(|f| !f.is_mod() && !f.is_lib()) {
        let stem = file.path.trim_end_matches(".rs");
        let named = stem.ends_with("_x86_64") || stem.ends_with("_aarch64");
        for (n, line) in file.lexed.lines().iter().enumerate() {
            let words: &[&str] = match named {
                true => &["target_arch"],
                false => &[
                    "target_arch",
                    "naked_asm!",
                    " asm!",
                    "std::arch::x86_64",
                    "std::arch::aarch64",
                ],
            };
            let found = words.iter().find(|word| line.contains(**word));
            if let (Some(word), false) = (found, file.lexed.test[n]) {
                complaints.push(format!(
                    "{}: `{word}`: what is one CPU's stands in a file named for it, which its mod.rs picks",
                    Tree::at(file, n)
                ));
            }
        }
    }
    complaints
}

#[cfg(test)]
use crate::tree::of;

#[test]
fn a_long_file_and_a_missing_header_are_found() {
    let long = format!("//! Long.\n{}", "//\n".repeat(MAX_LINES));
    let tree = of(&[
        ("a.rs", &long),
        ("b.rs", "fn b() {}"),
        ("c.rs", "//! Good.\n"),
    ]);
    let found = length_and_header(&tree);
    assert!(
        found[0].starts_with("runtime/a.rs:1: 401 lines"),
        "{found:?}"
    );
    assert!(
        found[1].starts_with("runtime/b.rs:1: begin with"),
        "{found:?}"
    );
    assert_eq!(found.len(), 2);
}

#[test]
fn code_in_a_mod_file_is_found() {
    let good = "//! A.\n#![forbid(unsafe_code)]\n#[cfg(not(loom))]\npub(crate) mod x;\n\
                pub(in crate::a) use x::{Y, z};\nmod w;";
    assert!(mod_files(&of(&[("a/mod.rs", good)])).is_empty());
    for bad in [
        "fn f() {}",
        "mod x { }",
        "pub struct S;",
        "const A: u32 = 1;",
    ] {
        let found = mod_files(&of(&[("a/mod.rs", &format!("//! A.\nmod y;\n{bad}"))]));
        assert_eq!(found.len(), 1, "{bad}");
        assert!(found[0].starts_with("runtime/a/mod.rs:3:"), "{found:?}");
    }
}

#[test]
fn banned_words_are_found_outside_comments_and_tests() {
    let good = "// std::thread::sleep\n#[cfg(test)]\nfn f() { println!() }\nthread_local!{}";
    assert!(banned(&of(&[("ext/plain_threads/foreign.rs", good)])).is_empty());
    assert_eq!(banned(&of(&[("a.rs", good)])).len(), 1);
    let bad = "fn f() { std::thread::sleep(d) }\nfn g() { eprintln!() }";
    assert_eq!(banned(&of(&[("a.rs", bad)])).len(), 2);
}

#[test]
fn code_for_one_cpu_in_a_file_for_all_is_found() {
    let picks = "//! A.\n#[cfg(target_arch = \"x86_64\")]\nmod b_x86_64;";
    let of_its_own = "//! B.\nfn b() { unsafe { asm!(\"nop\") } }";
    let chooses = "//! C.\n#[cfg(target_arch = \"x86_64\")]\nfn c() {\n    asm!(\"nop\");\n}";
    let tree = of(&[
        ("a/mod.rs", picks),
        ("a/b_x86_64.rs", of_its_own),
        ("a/c.rs", chooses),
    ]);
    let found = one_cpu(&tree);
    assert!(
        found[0].starts_with("runtime/a/c.rs:2: `target_arch`"),
        "{found:?}"
    );
    assert!(
        found[1].starts_with("runtime/a/c.rs:4: ` asm!`"),
        "{found:?}"
    );
    assert_eq!(found.len(), 2);
}
