//! The pages show the code as it is, and mini stays small.
//!
//! In the source, `// [name]` and `// [/name]` stand around a part. On a page, a comment before a
//! block says what the block must be, character by character:
//!
//! ```text
//! <!-- part: find.rs name -->         that part of that file
//! <!-- diff: steps/a.rs steps/b.rs --> how they differ, before `fn main`
//! ```
//!
//! `MINI_BLESS=1 cargo test -p gosched-mini --test pages` writes the blocks.

use std::fs;
use std::path::{Path, PathBuf};

const PAGES: [&str; 2] = ["../../docs/mini.md", "steps/README.md"];

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(here().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// What stands between `// [name]` and `// [/name]`, without other marks.
fn part(source: &str, name: &str) -> String {
    let inside = source
        .split_once(&format!("// [{name}]\n"))
        .and_then(|(_, rest)| rest.split_once(&format!("// [/{name}]\n")));
    let (text, _) = inside.unwrap_or_else(|| panic!("no part {name}"));
    let indent = text.lines().filter(|line| !line.trim().is_empty());
    let indent = indent
        .map(|line| line.len() - line.trim_start().len())
        .min();
    let indent = indent.unwrap_or(0);
    let lines = text.lines().filter(|line| !is_mark(line));
    let lines = lines.map(|line| line.get(indent..).unwrap_or("").to_owned() + "\n");
    lines.collect::<String>().trim().to_owned() + "\n"
}

fn is_mark(line: &str) -> bool {
    line.trim().starts_with("// [") && line.ends_with(']')
}

/// A step without its demonstration and its tests.
fn runtime_of(step: &str) -> Vec<&str> {
    let end = step.find("\nfn main() {").expect("a step has a main");
    step[..end].lines().collect()
}

/// The lines that differ, with one line around them.
fn diff(old: &[&str], new: &[&str]) -> String {
    // longest[i][j]: how many lines are common to what follows i and j.
    let mut longest = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i][j] = if old[i] == new[j] {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && longest[i + 1][j] >= longest[i][j + 1]) {
            lines.push(('-', old[i]));
            i += 1;
        } else {
            lines.push(('+', new[j]));
            j += 1;
        }
    }
    let near = |at: usize| {
        let around = at.saturating_sub(1)..(at + 2).min(lines.len());
        lines[around].iter().any(|(sign, _)| *sign != ' ')
    };
    let mut text = String::new();
    for (at, (sign, line)) in lines.iter().enumerate() {
        if near(at) {
            text += format!("{sign}{line}").trim_end();
            text.push('\n');
        } else if at > 0 && near(at - 1) {
            text += "...\n";
        }
    }
    text.trim_end_matches("...\n").to_owned()
}

/// What a block must be, by the comment before it.
fn wanted(order: &str) -> (&'static str, String) {
    let words: Vec<&str> = order.split_whitespace().collect();
    match words[..] {
        ["part:", file, name] => {
            let part = part(&read(file), name);
            ("rust,ignore", format!("// {file}\n{part}"))
        }
        ["diff:", old, new] => {
            let (old, new) = (read(old), read(new));
            ("diff", diff(&runtime_of(&old), &runtime_of(&new)))
        }
        _ => panic!("not an order: {order}"),
    }
}

/// The page with every ordered block as it must be; and how many there are.
fn renewed(page: &str) -> (String, usize) {
    let (mut text, mut rest, mut count) = (String::new(), page, 0);
    while let Some(at) = rest.find("<!-- ") {
        let end = at + rest[at..].find("-->").expect("a comment ends");
        let order = rest[at + 5..end].trim();
        let after = end + "-->\n".len();
        text += &rest[..after];
        rest = &rest[after..];
        if !order.starts_with("part:") && !order.starts_with("diff:") {
            continue;
        }
        let (language, block) = wanted(order);
        text += &format!("```{language}\n{block}```\n");
        count += 1;
        // Over the block that is there, if there is one.
        if let Some(body) = rest.strip_prefix("```") {
            let close = body.find("\n```\n").expect("a block ends");
            rest = &body[close + "\n```\n".len()..];
        }
    }
    (text + rest, count)
}

#[test]
fn the_pages_show_the_code_as_it_is() {
    for path in PAGES {
        let page = read(path);
        let (renewed, count) = renewed(&page);
        assert!(
            count >= 4,
            "{path}: only {count} blocks are taken from the source"
        );
        if std::env::var_os("MINI_BLESS").is_some() {
            fs::write(here().join(path), renewed).unwrap();
            continue;
        }
        let different = page.lines().zip(renewed.lines()).position(|(a, b)| a != b);
        assert!(
            page == renewed,
            "{path}:{}: a block is not what stands in the source; MINI_BLESS=1 writes it",
            different.map_or(0, |line| line + 1)
        );
    }
}

/// Every rust block of the chapter is one that was ordered.
#[test]
fn the_chapter_has_no_code_of_its_own() {
    let page = read(PAGES[0]);
    let lines: Vec<&str> = page.lines().collect();
    for (n, line) in lines.iter().enumerate() {
        let ordered = n > 0 && lines[n - 1].starts_with("<!-- part:");
        assert!(
            !line.starts_with("```rust") || ordered,
            "docs/mini.md:{}",
            n + 1
        );
    }
}

/// Every part that is marked is shown.
#[test]
fn every_part_is_on_the_page() {
    let page = read(PAGES[0]);
    for (name, source) in sources() {
        for line in source.lines().map(str::trim).filter(|line| is_mark(line)) {
            let part = line.trim_start_matches("// [").trim_end_matches(']');
            let order = format!("<!-- part: {name} {part} -->");
            assert!(part.starts_with('/') || page.contains(&order), "{order}");
        }
    }
}

/// The files of mini, without its tests and steps.
fn sources() -> Vec<(String, String)> {
    let files = fs::read_dir(here())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    files
        .map(|path| (name(&path), read(&name(&path))))
        .collect()
}

/// Lines that are neither blank, nor a comment, nor a test (which stand at the end of a file).
fn code(source: &str) -> usize {
    assert!(
        !source.contains("/*"),
        "a comment that is not counted as one"
    );
    let lines = source.lines().map(str::trim);
    let lines = lines.take_while(|line| !line.starts_with("#[cfg(all(test, loom))]"));
    lines
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .count()
}

#[test]
fn mini_is_a_thousand_lines_at_most_in_files_of_150() {
    let mut all = 0;
    for (name, source) in sources() {
        let lines = code(&source);
        assert!(lines <= 150, "{name}: {lines} lines of code");
        let until = source
            .find("#[cfg(all(test, loom))]\nmod")
            .unwrap_or(source.len());
        let whole = source[..until].lines().count();
        println!("{name:14} {lines:4} of code, {whole:4} with comments");
        assert!(whole <= 150, "{name}: {whole} lines");
        all += lines;
    }
    println!("all            {all:4}");
    assert!(all <= 1000, "{all} lines of code");
}

/// Exactly the packages of the project's brief.
#[test]
fn mini_has_three_dependencies() {
    let manifest = read("Cargo.toml");
    let (_, after) = manifest.split_once("[dependencies]\n").unwrap();
    let names: Vec<&str> = after
        .lines()
        .take_while(|line| !line.trim().is_empty())
        .map(|line| line.split([' ', '=']).next().unwrap())
        .collect();
    assert_eq!(names, ["corosensei", "crossbeam-deque", "num_cpus"]);
}

#[test]
fn a_part_and_a_diff_are_what_they_should_be() {
    let source = "// [a]\n    // [b]\n    fn f() {}\n    // [/b]\n// [/a]\n";
    assert_eq!(part(source, "b"), "fn f() {}\n");
    assert_eq!(part(source, "a"), "fn f() {}\n");
    let lines = |text: &'static str| text.split(' ').collect::<Vec<_>>();
    let found = diff(&lines("a b c d e f"), &lines("a b x d e f y"));
    assert_eq!(found, " b\n-c\n+x\n d\n...\n f\n+y\n");
}
