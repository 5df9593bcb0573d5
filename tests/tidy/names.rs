//! Names that text uses for places: protocol headings, files, links.

use crate::tree::Tree;

/// `README#name` and `README.md#name` in the comments of the runtime: is there such a heading
/// in the nearest README.md? `pages` are those of the runtime, by path. A folder may come
/// first, from the root of the runtime: `sched/README#name`.
pub(crate) fn protocols(tree: &Tree, pages: &[(String, String)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in &tree.files {
        for (n, comment) in file.lexed.comments.iter().enumerate() {
            for (folder, name) in references(comment) {
                let page = match folder {
                    "" => nearest(pages, &file.path),
                    folder => page(pages, &format!("{folder}/README.md")),
                };
                let known = page.is_some_and(|text| headings(text).contains(&name));
                if !known {
                    complaints.push(format!(
                        "{}: README#{name}: no such heading",
                        Tree::at(file, n)
                    ));
                }
            }
        }
    }
    complaints
}

/// What a row of a table begins with, if that is one name in backquotes.
pub(crate) fn first_cell(line: &str) -> Option<&str> {
    let (name, rest) = line.strip_prefix("| `")?.split_once('`')?;
    rest.starts_with(" |").then_some(name)
}

/// The (folder, heading) pairs that a comment refers to.
fn references(comment: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    for (at, mark) in comment.match_indices("README") {
        let rest = &comment[at + mark.len()..];
        let Some(rest) = rest.strip_prefix(".md").unwrap_or(rest).strip_prefix('#') else {
            continue;
        };
        let end = rest.find(|c: char| !(c.is_alphanumeric() || "-_".contains(c)));
        let name = rest[..end.unwrap_or(rest.len())]
            .trim_end_matches('-')
            .to_owned();
        let before = &comment[..at];
        let start = before.rfind(|c: char| !(c.is_alphanumeric() || "/_".contains(c)));
        let folder = start.map_or(before, |s| &before[s..]);
        let folder = folder.trim_start_matches(|c: char| !c.is_alphanumeric());
        let folder = folder.trim_start_matches("runtime/").trim_end_matches('/');
        found.push((folder, name));
    }
    found
}

fn page<'a>(pages: &'a [(String, String)], path: &str) -> Option<&'a str> {
    pages
        .iter()
        .find(|(p, _)| p == path)
        .map(|(_, text)| &**text)
}

fn nearest<'a>(pages: &'a [(String, String)], file: &str) -> Option<&'a str> {
    let mut folder = file;
    while let Some((up, _)) = folder.rsplit_once('/') {
        if let Some(text) = page(pages, &format!("{up}/README.md")) {
            return Some(text);
        }
        folder = up;
    }
    page(pages, "README.md")
}

/// The anchors of a page's headings, as GitHub makes them.
fn headings(text: &str) -> Vec<String> {
    prose(text)
        .into_iter()
        .filter(|(_, l)| l.starts_with('#'))
        .map(|(_, l)| slug(l))
        .collect()
}

fn slug(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|&c| c.is_alphanumeric() || "-_ ".contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The numbered lines outside code blocks.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut code = false;
    let outside = |(_, line): &(usize, &str)| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    };
    text.lines().enumerate().filter(outside).collect()
}

/// Files that the pages name, and links between them. A name in back quotes that ends in
/// `.rs` must be a file's, whole or from some folder on; so must any `runtime/...rs`.
pub(crate) fn docs(pages: &[(String, String)], files: &[String]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in pages {
        for (n, line) in text.lines().enumerate() {
            for name in file_names(line) {
                let exists = |f: &String| *f == name || f.ends_with(&format!("/{name}"));
                if !files.iter().any(exists) {
                    complaints.push(format!("{path}:{}: there is no {name}", n + 1));
                }
            }
        }
        for (n, line) in prose(text) {
            for link in links(line) {
                if let Some(why) = dead(pages, files, path, link) {
                    complaints.push(format!("{path}:{}: link {link}: {why}", n + 1));
                }
            }
        }
    }
    complaints
}

fn file_names(line: &str) -> Vec<&str> {
    let is_path = |c: char| c.is_alphanumeric() || "/_.-".contains(c);
    let quoted = line.split('`').skip(1).step_by(2);
    let quoted = quoted.filter(|w| w.ends_with(".rs") && w.chars().all(is_path));
    let spelled = line.split(|c| !is_path(c));
    let spelled = spelled.map(|w| w.trim_end_matches('.'));
    let spelled = spelled.filter(|w| w.starts_with("runtime/") && w.ends_with(".rs"));
    quoted.chain(spelled).collect()
}

/// The targets of `[text](target)`.
fn links(line: &str) -> Vec<&str> {
    let targets = line.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .collect()
}

/// Why a link leads nowhere. Links out of the repository are taken as they are.
fn dead(
    pages: &[(String, String)],
    files: &[String],
    from: &str,
    link: &str,
) -> Option<&'static str> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if target.is_empty() {
        from.to_owned()
    } else {
        join(from, target)
    };
    let is_folder = files.iter().any(|f| f.starts_with(&format!("{target}/")));
    if !files.contains(&target) && !is_folder {
        return Some("no such file");
    }
    let text = page(pages, &target);
    let known = anchor.is_empty() || text.is_none_or(|t| headings(t).contains(&anchor.into()));
    (!known).then_some("no such heading")
}

/// A link's target, from the root of the repository.
fn join(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Functions that the pages name beside a file: `` `sched/find.rs` `steal`, `fresh` ``. Each must be
/// declared there. `sources` are the repository's Rust files; a short path names the one below
/// `runtime/` if there is one.
pub(crate) fn declared(
    pages: &[(String, String)],
    sources: &[(String, String)],
) -> Vec<String> {
    let mut complaints = Vec::new();
    for (page, text) in pages {
        for (file, name, line) in pairs(text) {
            let Some(source) = source_of(sources, file) else {
                continue; // `docs` complains of it
            };
            if !declares(source, name) {
                complaints.push(format!("{page}:{line}: {file} declares no `{name}`"));
            }
        }
    }
    complaints
}

/// (file, name, line): each name in back quotes that follows a file in back quotes, with nothing
/// but commas, white space or "and" between.
fn pairs(text: &str) -> Vec<(&str, &str, usize)> {
    let mut found = Vec::new();
    let mut file = None;
    let mut line = 1;
    for (i, part) in text.split('`').enumerate() {
        let quoted = i % 2 == 1;
        if quoted && part.ends_with(".rs") {
            file = Some(part);
        } else if quoted && is_name(part) {
            found.extend(file.map(|file| (file, part, line)));
        } else if quoted || !matches!(part.trim(), "" | "," | "and" | ", and") {
            file = None;
        }
        line += part.matches('\n').count();
    }
    found
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn source_of<'a>(sources: &'a [(String, String)], file: &str) -> Option<&'a str> {
    let inside = format!("runtime/{file}");
    let ends = format!("/{file}");
    page(sources, &inside)
        .or_else(|| page(sources, file))
        .or_else(|| {
            let by_end = sources.iter().find(|(path, _)| path.ends_with(&ends));
            by_end.map(|(_, text)| &**text)
        })
}

fn declares(source: &str, name: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "fn", "struct", "enum", "trait", "const", "static", "type", "mod",
    ];
    let lexed = crate::lexer::lex(source);
    let tokens = lexed.tokens();
    tokens
        .windows(2)
        .any(|w| KEYWORDS.contains(&w[0].text) && w[1].text == name)
}

/// Pages with Rust code that `runtime/book.rs` does not hand to the compiler.
pub(crate) fn uncompiled(pages: &[(String, String)], book: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (page, text) in pages {
        let compiled = book.contains(&format!("\"../{page}\""));
        for (n, line) in text.lines().enumerate() {
            let code = line.trim_start().strip_prefix("```rust");
            if !compiled && code.is_some_and(|rest| !rest.contains("ignore")) {
                complaints.push(format!("{page}:{}: not in runtime/book.rs", n + 1));
            }
        }
    }
    complaints
}

/// Does each dependency of the manifest have a row, in back quotes, on the page?
pub(crate) fn dependencies(manifest: &str, page: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut inside = false;
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            inside = section.trim_end().ends_with("dependencies]");
        } else if let (true, Some((name, _))) = (inside, line.split_once('=')) {
            let name = name.trim();
            if !page
                .lines()
                .any(|row| row.starts_with(&format!("| `{name}` |")))
            {
                complaints.push(format!(
                    "docs/dependencies.md: no row for {name}: why do we need it?"
                ));
            }
        }
    }
    complaints
}

/// What every user of the package builds must be of use: some file names the crate.
pub(crate) fn unused(manifest: &str, tree: &Tree) -> Vec<String> {
    let after = manifest
        .split_once("\n[dependencies]\n")
        .map_or("", |(_, a)| a);
    let section = after.split("\n[").next().unwrap_or("");
    let is_named = |krate: &str| {
        let sources = tree.files.iter().map(|f| f.lexed.tokens());
        sources
            .into_iter()
            .any(|tokens| tokens.iter().any(|t| t.text == krate))
    };
    section
        .lines()
        .filter_map(|line| Some(line.split_once(['=', '.'])?.0.trim()))
        .filter(|name| !is_named(&name.replace('-', "_")))
        .map(|name| format!("Cargo.toml: no file of the runtime uses {name}"))
        .collect()
}

#[cfg(test)]
fn owned(pages: &[(&str, &str)]) -> Vec<(String, String)> {
    pages
        .iter()
        .map(|(p, t)| ((*p).to_owned(), (*t).to_owned()))
        .collect()
}

#[test]
fn a_protocol_without_a_heading_is_found() {
    let pages = owned(&[(
        "sched/README.md",
        "# S\n## `last-spinner`\n```sh\n# not-one\n```\n",
    )]);
    let found = |path: &str, code: &str| protocols(&crate::tree::of(&[(path, code)]), &pages);
    assert!(found("sched/wake.rs", "// see README#last-spinner, always").is_empty());
    assert!(found("sched/wake.rs", "/// (`README.md#last-spinner`).").is_empty());
    assert!(found("queue/local.rs", "//! `sched/README#last-spinner`").is_empty());
    assert_eq!(found("sched/wake.rs", "// README#last-spiner").len(), 1);
    assert_eq!(found("sched/wake.rs", "// README#not-one").len(), 1);
    assert_eq!(found("queue/local.rs", "// README#last-spinner").len(), 1);
    assert_eq!(
        found("queue/local.rs", "// runtime/g/README#last-spinner").len(),
        1
    );
}

#[test]
fn a_file_that_is_not_there_and_a_dead_link_are_found() {
    let files = ["runtime/g/list.rs", "docs/a.md", "README.md"].map(str::to_owned);
    let found = |text: &str| {
        docs(
            &owned(&[("docs/a.md", text), ("README.md", "# Top it")]),
            &files,
        )
    };
    for good in [
        "`runtime/g/list.rs` `g/list.rs` `list.rs`, runtime/g/list.rs. `proc.go` `x::y.rs`",
        "[r](../README.md) [s](../README.md#top-it) [g](../runtime/g) [h](https://x/y.rs)",
        "# One\n[one](#one)\n```\n[x](y)\n```",
    ] {
        assert_eq!(found(good), [""; 0]);
    }
    for bad in [
        "`g/queue.rs`",
        "in runtime/g/queue.rs:",
        "`ist.rs`",
        "[r](README.md)",
        "[r](../README.md#bottom)",
        "[r](#two)",
        "[r](../runtime/h)",
    ] {
        assert_eq!(found(bad).len(), 1, "{bad}");
    }
}

#[test]
fn a_dependency_without_a_reason_is_found() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\nlibc = \"0.2\"\n\
                    [target.'cfg(loom)'.dependencies]\nloom = { version = \"1\" }\n[lints.rust]\na = 1\n";
    let page = "| `libc` | system calls |\n| `loom` | models |\n";
    assert_eq!(dependencies(manifest, page), [""; 0]);
    assert_eq!(dependencies(manifest, "| `loom` | models |").len(), 1);
}

#[test]
fn a_dependency_that_nobody_uses_is_found() {
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\nlibc = \"0.2\"\n\
                    two-words = { version = \"1\" }\n\n[lints.rust]\na = 1\n";
    let found = |code| unused(manifest, &crate::tree::of(&[("a.rs", code)]));
    assert!(found("use libc::c_int;\nfn f() { two_words::g() }").is_empty());
    assert_eq!(found("use libc::c_int; // two_words").len(), 1);
}

#[test]
fn a_function_that_is_not_in_its_file_is_found() {
    let sources = owned(&[
        (
            "runtime/g/list.rs",
            "// fn gone\npub fn push() {}\nstruct List;",
        ),
        ("tests/order.rs", "fn six() {}"),
    ]);
    let found = |text: &str| declared(&owned(&[("docs/a.md", text)]), &sources);
    for good in [
        "open `g/list.rs` `push`, `List` and\n`push`; then `gone`",
        "`tests/order.rs` `six`, `a.b`, `gone`; `g/list.rs`: `gone`",
    ] {
        assert_eq!(found(good), [""; 0]);
    }
    assert_eq!(
        found("one\n`g/list.rs` `push`,\n`gone`."),
        ["docs/a.md:3: g/list.rs declares no `gone`"]
    );
}

#[test]
fn a_page_whose_code_is_not_compiled_is_found() {
    let pages = owned(&[
        ("docs/a.md", "```rust\nf();\n```\n```rust,ignore\n```"),
        ("docs/b.md", "one\n```rust,no_run\n```"),
    ]);
    let found = uncompiled(&pages, "pages! { a: \"../docs/a.md\", }");
    assert_eq!(found, ["docs/b.md:2: not in runtime/book.rs"]);
}
