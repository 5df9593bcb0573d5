//! Each chapter of the book opens with a timeline, and names the command that makes it: the command
//! still works, and what it draws is not empty.

use std::fs;
use std::process::Command;
use std::time::Duration;

#[path = "support/built.rs"]
mod built;
#[path = "support/child.rs"]
mod child;

use built::{build, folder};

const LIMIT: Duration = Duration::from_secs(60);

/// The chapters about how it works.
const CHAPTERS: &[&str] = &[
    "goroutines",
    "gmp",
    "queues",
    "parking",
    "stacks",
    "channels",
    "select",
    "timers",
    "fairness",
    "preemption",
    "thread-locals",
    "deadlock",
];

/// What a page's command runs.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    procs: String,
    example: String,
    args: Vec<String>,
}

/// The command in a page, and the timeline below it.
fn opening(page: &str) -> Option<(Run, &str)> {
    let (_, rest) = page.split_once("```sh\nGOSCHED=trace=- GOMAXPROCS=")?;
    let (line, rest) = rest.split_once("\n```\n\n```text\n")?;
    let (timeline, _) = rest.split_once("\n```")?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let procs = words.next()?;
    let rest: Vec<String> = words.collect();
    let (example, args) = match rest.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["cargo", "run", "--example", name] => (name.to_owned(), Vec::new()),
        ["cargo", "run", "--example", name, "--", ref args @ ..] => (
            name.to_owned(),
            args.iter().map(|a| (*a).to_owned()).collect(),
        ),
        _ => return None,
    };
    let run = Run {
        procs,
        example,
        args,
    };
    Some((run, timeline))
}

/// What is missing in a timeline: that somebody ran, on a P and in its own line.
fn lacks(timeline: &str) -> Option<&'static str> {
    let lines = |head: &str| {
        let after = timeline
            .lines()
            .skip_while(|line| !line.starts_with(head))
            .skip(1);
        after
            .take_while(|line| !line.is_empty())
            .collect::<Vec<_>>()
    };
    let ran =
        |line: &&str| line[8.min(line.len())..].contains(|c: char| c.is_ascii_alphanumeric());
    let ps = lines("What each P ran");
    let gs = lines("What each goroutine did");
    if !ps.iter().any(ran) {
        Some("nobody ran on a P")
    } else if gs.is_empty() {
        Some("there are no goroutines")
    } else {
        timeline
            .lines()
            .any(|line| line.len() > 100)
            .then_some("a line is too long")
    }
}

fn page(chapter: &str) -> String {
    let path = format!("{}/docs/{chapter}.md", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(path).unwrap()
}

#[test]
fn every_chapter_opens_with_a_timeline() {
    for chapter in CHAPTERS {
        let page = page(chapter);
        let (_, timeline) = opening(&page).unwrap_or_else(|| panic!("{chapter}: no timeline"));
        assert_eq!(lacks(timeline), None, "{chapter}\n{timeline}");
        let before = page.split("```sh").next().unwrap_or_default();
        assert!(
            before.lines().count() < 30,
            "{chapter}: it does not open with it"
        );
    }
}

#[test]
fn a_picture_of_nothing_is_found() {
    let empty = "3 ms\n\nWhat each P ran\nP0      ....\n\nWhat each goroutine did\n1 G1  ..";
    assert_eq!(lacks(empty), Some("nobody ran on a P"));
    assert_eq!(lacks(&empty.replace("...\n\n", "1..\n\n")), None);
    assert_eq!(opening("# Page\n\n```sh\ncargo run\n```\n"), None);
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "examples are for release: `ci/check.sh examples`"
)]
fn every_timeline_is_made_again() {
    build();
    for chapter in CHAPTERS {
        let page = page(chapter);
        let (run, _) = opening(&page).unwrap_or_else(|| panic!("{chapter}: no timeline"));
        let mut command = Command::new(folder().join(&run.example));
        command
            .args(&run.args)
            .env("GOSCHED", "trace=-")
            .env("GOMAXPROCS", &run.procs);
        let ended = child::run(&mut command, LIMIT);
        let head = ended
            .stdout
            .find(" in 72 columns of ")
            .unwrap_or_else(|| panic!("{ended}"));
        assert_eq!(lacks(&ended.stdout[head..]), None, "{chapter}: {ended}");
    }
}
