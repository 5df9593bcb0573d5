//! Every memory ordering other than Relaxed names its partner.
//!
//! A use is covered by a comment with `pairs(NAME)` or `README#name` on its statement, in the
//! three lines above that or the one below its `{`, or in the doc comment of its function. Further uses of the same
//! ordering, no more than three lines apart in the same function, share it; one of another
//! ordering needs a comment of its own, or one that names both. Each NAME needs
//! two ends: somewhere a release, somewhere an acquire.

use std::collections::BTreeMap;

use crate::lexer::{self, Token};
use crate::tree::{File, Tree};

const ORDERINGS: [&str; 4] = ["Acquire", "Release", "AcqRel", "SeqCst"];
const REACH: usize = 3;

/// What the uses under one tag do.
#[derive(Debug, Default)]
struct Tag {
    comments: usize,
    uses: usize,
    release: bool,
    acquire: bool,
    place: String,
}

pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut tags: BTreeMap<String, Tag> = BTreeMap::new();
    for file in &tree.files {
        for (n, comment) in file.lexed.comments.iter().enumerate() {
            if !file.lexed.test[n] {
                for name in tag_names(comment) {
                    let tag = tags.entry(name).or_default();
                    tag.comments += 1;
                    tag.place = Tree::at(file, n);
                }
            }
        }
        complaints.extend(uses(file, &mut tags));
    }
    for (name, tag) in tags {
        let place = &tag.place;
        if tag.comments < 2 {
            complaints.push(format!("{place}: pairs({name}) has one end only"));
        } else if tag.uses == 0 {
            complaints.push(format!("{place}: pairs({name}) stands at no ordering"));
        } else if !(tag.release && tag.acquire) {
            let missing = if tag.release { "Acquire" } else { "Release" };
            complaints.push(format!("{place}: pairs({name}) has no {missing} end"));
        }
    }
    complaints
}

/// Complains of the uses in a file that nothing covers, and counts the others.
fn uses(file: &File, tags: &mut BTreeMap<String, Tag>) -> Vec<String> {
    let lines = file.lexed.lines();
    let mut complaints = Vec::new();
    // Per ordering: where it was last used, in which function, under which names.
    let mut last: BTreeMap<&str, (usize, Option<usize>, Vec<String>)> = BTreeMap::new();
    for (line, ordering) in found_in(&file.lexed.tokens()) {
        if file.lexed.test[line] {
            continue;
        }
        let function = function_of(&lines, line);
        let mut names = covering(file, &lines, (line, ordering), function);
        if names.is_empty()
            && let Some((before, same, shared)) = last.get(ordering)
            && *same == function
            && line - before <= REACH
        {
            names.clone_from(shared);
        }
        if names.is_empty() {
            complaints.push(format!(
                "{}: this {ordering} does not say what it pairs with",
                Tree::at(file, line)
            ));
            continue;
        }
        for name in &names {
            if let Some(tag) = tags.get_mut(name) {
                tag.uses += 1;
                tag.release |= ordering != "Acquire";
                tag.acquire |= ordering != "Release";
            }
        }
        last.insert(ordering, (line, function, names));
    }
    complaints
}

/// The orderings in the code, outside `use` items and compiler fences: those order a thread
/// with its own signal handlers, so there is no other end.
fn found_in<'a>(tokens: &[Token<'a>]) -> Vec<(usize, &'a str)> {
    let mut found = Vec::new();
    let mut ignored = false;
    for t in tokens {
        ignored = matches!(t.text, "use" | "compiler_fence") || ignored && t.text != ";";
        if !ignored && ORDERINGS.contains(&t.text) {
            found.push((t.line, t.text));
        }
    }
    found
}

/// The line of the nearest `fn` above.
fn function_of(lines: &[&str], line: usize) -> Option<usize> {
    (0..=line).rev().find(|&n| {
        let mut words = lines[n].split_whitespace();
        words.any(|word| word == "fn") && words.next().is_some()
    })
}

/// The names in the comments that cover this use; a README's as `README#...`.
fn covering(
    file: &File,
    lines: &[&str],
    (line, ordering): (usize, &str),
    function: Option<usize>,
) -> Vec<String> {
    let floor = function.unwrap_or(0);
    let first = statement_start(lines, line, floor);
    let mut comments: Vec<&str> = Vec::new();
    let mut crossed = false; // a use of another ordering: comments above it must name ours
    // rustfmt moves a comment after `{` to a line of its own.
    let inside = lines[line].trim_end().ends_with('{')
        && lines
            .get(line + 1)
            .is_some_and(|code| code.trim().is_empty());
    let last = line + usize::from(inside);
    for n in (first.saturating_sub(REACH).max(floor)..=last).rev() {
        let comment = &*file.lexed.comments[n];
        let code = lexer::tokens(lines[n]);
        crossed |= n < first && found_in(&code).iter().any(|(_, other)| *other != ordering);
        if !crossed || comment.contains(ordering) {
            comments.push(comment);
        }
    }
    if let Some(function) = function {
        comments.extend(
            (0..function)
                .rev()
                .map(|n| (lines[n].trim(), &*file.lexed.comments[n]))
                .take_while(|(code, comment)| {
                    code.starts_with('#') || code.is_empty() && comment.starts_with("//")
                })
                .map(|(_, comment)| comment),
        );
    }
    comments
        .iter()
        .flat_map(|c| tag_names(c).into_iter().chain(readme_names(c)))
        .collect()
}

/// The first line of the statement: the one after the last that ended something.
fn statement_start(lines: &[&str], line: usize, floor: usize) -> usize {
    let ends = |n: &usize| {
        let code = lines[*n].trim_end();
        code.is_empty() || code.ends_with([';', '{', '}'])
    };
    (floor..line).rev().find(ends).map_or(floor, |n| n + 1)
}

fn tag_names(comment: &str) -> Vec<String> {
    let inside = comment.split("pairs(").skip(1);
    inside
        .filter_map(|rest| rest.split_once(')'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn readme_names(comment: &str) -> Vec<String> {
    let found = comment.contains("README#") || comment.contains("README.md#");
    found.then(|| "README#".to_owned()).into_iter().collect()
}

#[cfg(test)]
fn found(files: &[(&str, &str)]) -> Vec<String> {
    check(&crate::tree::of(files))
}

#[cfg(test)]
const LOCK: &str = "use x::{Acquire, Release};\n\
    fn lock() {\n// Acquire pairs(lock): unlock\nif self\n.0\n.word\n.swap(1, Acquire)\n{}\n}\n\
    fn unlock() {\nword.store(0, Release); // pairs(lock): lock\n}\n";

#[test]
fn two_ends_in_any_place_that_counts_are_enough() {
    assert_eq!(found(&[("a.rs", LOCK)]), [""; 0]);
    let other = "/// The other end; pairs(note).\n#[inline]\nfn f() {\n\n\n\n\nx.load(Acquire);\n}\n\
        fn g() {\n// pairs(note)\nx.store(1, Release);\n\n\nx.store(2, Release);\n}\n\
        fn h() {\n// README#idle\nfence(SeqCst);\n}\n\
        fn i() {\nmatch x.swap(1, SeqCst) {\n// README#idle\n}\ncompiler_fence(SeqCst);\n}\n\
        #[cfg(test)]\nmod t { fn f() { x.load(SeqCst) } }";
    assert_eq!(found(&[("a.rs", LOCK), ("b.rs", other)]), [""; 0]);
}

#[test]
fn an_ordering_without_a_partner_is_found() {
    let one = |code: &str, words: &str| {
        let found = found(&[("a.rs", code)]);
        assert!(
            found.len() == 1 && found[0].contains(words),
            "{code}: {found:?}"
        );
    };
    one("fn f() { x.load(Acquire) }", "this Acquire does not say");
    one(
        "fn f() { x.load(Ordering::SeqCst) }",
        "this SeqCst does not say",
    );
    one(
        "fn f() {\n// README#a\n\n\n\n\nx.load(Acquire);\n}",
        "does not say",
    );
    one(
        "fn f() {\n// README#a\nx.load(Acquire);\n}\nfn g() {\nx.load(Acquire)\n}",
        "a.rs:6",
    );
    one(
        "fn f() {\n// README#a\nx.load(Acquire);\nx.store(1, Release);\n}",
        "a.rs:4",
    );
}

#[test]
fn a_tag_without_its_other_end_is_found() {
    let one = |code: &str, words: &str| {
        let found = found(&[("a.rs", LOCK), ("b.rs", code)]);
        assert!(
            found.len() == 1 && found[0].contains(words),
            "{code}: {found:?}"
        );
    };
    one(
        "fn f() {\n// pairs(lone)\nx.load(Acquire);\n}",
        "one end only",
    );
    one("// pairs(idea) pairs(idea)\nfn g() {}", "at no ordering");
    let twice = |o: &str| format!("fn f() {{\n// pairs(x) pairs(x)\na.op({o});\n}}");
    one(&twice("Acquire"), "no Release end");
    one(&twice("Release"), "no Acquire end");
}
