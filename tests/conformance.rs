//! Every recorded Go schedule, step by step: `examples/schedule` runs the program at one P, and
//! its log, exit status and first line of stderr must be what Go 1.27.3 left.
//!
//! See `tests/conformance/README.md` for the format. Of the 150 programs 149 are reproduced from
//! a P that starts at schedtick 0. `10148` was recorded from a process whose main goroutine began
//! three ticks later: Go's start-up runs goroutines of the runtime's own first, and how many is
//! not the same in every run. The tick decides when the 61st look goes to the global queue.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

#[path = "support/child.rs"]
mod child;

const LIMIT: Duration = Duration::from_secs(30);

/// Programs that Go ran from another start tick.
const START_TICKS: &[(&str, u32)] = &[("10148", 3)];

/// `target/PROFILE/examples/schedule`, which Cargo builds with this test.
fn interpreter() -> PathBuf {
    let test = std::env::current_exe().expect("this test is a file");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("target/PROFILE/deps/TEST");
    profile.join("examples").join("schedule")
}

/// What a run leaves, in the form of a `.log` file.
fn run(program: &Path, name: &str) -> String {
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.log"));
    let mut command = Command::new(interpreter());
    command.arg(program).arg(&log).stdin(Stdio::null());
    if let Some((_, tick)) = START_TICKS.iter().find(|(program, _)| *program == name) {
        command.env("GOSCHED", format!("schedtick={tick}"));
    }
    let ended = child::run(&mut command, LIMIT);
    let stderr = ended.stderr.lines().next().unwrap_or("").to_owned();
    let text = fs::read_to_string(&log).expect("the interpreter leaves a log");
    let status = ended
        .status
        .map_or("by a signal".into(), |code| code.to_string());
    format!("exit {status} {stderr}\n{}", text.trim_end_matches('\0'))
}

/// The first line that differs, for people.
fn difference(ours: &str, go: &str) -> String {
    let first = ours.lines().zip(go.lines()).position(|(a, b)| a != b);
    let at = first.unwrap_or_else(|| ours.lines().count().min(go.lines().count()));
    let line = |text: &str| text.lines().nth(at).unwrap_or("(the end)").to_owned();
    format!(
        "line {}: ours `{}`, Go's `{}`",
        at + 1,
        line(ours),
        line(go)
    )
}

#[test]
fn every_recorded_schedule_is_reproduced() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let mut programs: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the recorded programs")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "prog"))
        .collect();
    programs.sort();
    assert_eq!(programs.len(), 150, "all the recorded programs are here");
    let mut wrong = Vec::new();
    for program in &programs {
        let name = program
            .file_stem()
            .expect("N.prog")
            .to_string_lossy()
            .into_owned();
        let go = fs::read_to_string(program.with_extension("log")).expect("N.log");
        let ours = run(program, &name);
        if ours != go {
            wrong.push(format!("{name}: {}", difference(&ours, &go)));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of 150 differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
