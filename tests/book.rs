//! The book as mdBook builds it (`ci/book.sh`): every link leads to a page, a file or a heading that exists,
//! and every picture is there. Without mdBook on the PATH this says so and does nothing.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

fn pages(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, all);
        } else if path.extension().is_some_and(|end| end == "html") {
            all.push(path);
        }
    }
}

/// The values of an attribute, in the order in which they stand.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    let parts = html.split(start.as_str()).skip(1);
    parts
        .filter_map(|part| Some(part.split_once('"')?.0))
        .collect()
}

/// Without `..` in it.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = clean.pop(),
            Component::CurDir => (),
            part => clean.push(part),
        }
    }
    clean
}

/// What is wrong with the links of the book in `folder`, and how many links there are.
fn dead_links(folder: &Path) -> (Vec<String>, usize) {
    let mut all = Vec::new();
    pages(folder, &mut all);
    all.retain(|page| {
        !["print.html", "toc.html", "404.html"]
            .iter()
            .any(|end| page.ends_with(end))
    });
    let texts: HashMap<&PathBuf, String> = all
        .iter()
        .map(|page| (page, fs::read_to_string(page).unwrap()))
        .collect();
    let ids: HashMap<&PathBuf, HashSet<&str>> = texts
        .iter()
        .map(|(page, text)| (*page, attributes(text, "id").into_iter().collect()))
        .collect();
    let (mut dead, mut count) = (Vec::new(), 0);
    for page in &all {
        // What the theme links to is not ours.
        let text = &texts[page];
        let main = text.split_once("<main>").map_or("", |(_, rest)| rest);
        let main = main.split_once("</main>").map_or(main, |(main, _)| main);
        for link in [attributes(main, "href"), attributes(main, "src")].concat() {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.clone(),
                file => clean(&page.parent().unwrap().join(file)),
            };
            let there = target.exists()
                && (anchor.is_empty()
                    || ids.get(&target).is_none_or(|ids| ids.contains(anchor)));
            if !there {
                dead.push(format!(
                    "{}: {link}",
                    page.strip_prefix(folder).unwrap().display()
                ));
            }
        }
    }
    (dead, count)
}

#[test]
fn every_link_of_the_book_leads_somewhere() {
    if Command::new("mdbook").arg("--version").output().is_err() {
        println!("skipped: there is no mdbook on the PATH (cargo install mdbook)");
        return;
    }
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("book");
    let _ = fs::remove_dir_all(&out);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("ci/book.sh");
    let built = Command::new(script).arg(&out).output().unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let (dead, count) = dead_links(&out);
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
    assert!(count > 500, "only {count} links: is that the whole book?");
    println!("{count} links");
}

#[test]
fn a_dead_link_is_found() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dead-links");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("sub")).unwrap();
    let good = "<a href=\"../b.html#here\"> <a href=\"#me\"> <img src=\"../b.html\"> <a href=\"https://x.y/z\">";
    let bad = "<a href=\"c.html\"> <a href=\"../b.html#gone\"> <a href=\"#nobody\">";
    fs::write(
        folder.join("sub/a.html"),
        format!("<main id=\"x\"><main><h1 id=\"me\">{good}{bad}</main>"),
    )
    .unwrap();
    fs::write(folder.join("b.html"), "<main><h1 id=\"here\"></main>").unwrap();
    let (dead, count) = dead_links(&folder);
    assert_eq!(
        dead,
        [
            "sub/a.html: c.html",
            "sub/a.html: ../b.html#gone",
            "sub/a.html: #nobody"
        ]
    );
    assert_eq!(count, 6);
}
