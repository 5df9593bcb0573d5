//! Go's schedules, step by step: `examples/schedule` runs a program at one P, and its log, exit
//! status and first line of stderr must be what Go 1.27.3 leaves.
//!
//! Two tests: the 150 programs that were recorded (`tests/conformance/README.md` has the
//! format), and fresh random ones, which Go itself runs beside (`tests/conformance/go`; skipped
//! without Go 1.27). `GOSCHED_STRESS=5000` runs that many of them, `GOSCHED_SEED=N` those again.
//!
//! Where a process's first tick falls is chance in Go: it decides when the 61st look goes to the
//! global queue. See README.md#the-start-tick.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

#[path = "support/child.rs"]
mod child;
#[path = "conformance/generate.rs"]
mod generate;

use generate::Kind;

const LIMIT: Duration = Duration::from_secs(60);
/// At the same time: they wait more than they compute.
const WORKERS: usize = 8;
/// Fresh programs, if nobody wants more.
const FRESH: u64 = 100;

/// Programs that were recorded from another start tick.
const START_TICKS: &[(&str, u32)] = &[("10148", 3)];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// `target/PROFILE/examples/schedule`, which Cargo builds with this test.
fn interpreter() -> Command {
    let test = std::env::current_exe().expect("this test is a file");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("target/PROFILE/deps/TEST");
    let mut command = Command::new(profile.join("examples").join("schedule"));
    command.env_remove("GOSCHED");
    command
}

/// What a run leaves, in the form of a `.log` file.
fn outcome(mut interpreter: Command, program: &Path, log: &Path) -> String {
    let ended = child::run(interpreter.arg(program).arg(log), LIMIT);
    let stderr = ended.stderr.lines().next().unwrap_or("").to_owned();
    let text =
        fs::read_to_string(log).unwrap_or_else(|e| panic!("{}: {e}\n{ended}", log.display()));
    let _ = fs::remove_file(log); // the next run makes its own
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

/// Calls `each` with every number below `count`, a few at a time; collects its complaints.
fn in_parallel(count: usize, each: impl Fn(usize) -> Option<String> + Sync) -> Vec<String> {
    let (next, complaints) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|s| {
        for _ in 0..WORKERS {
            s.spawn(|| {
                while let Some(i) = Some(next.fetch_add(1, Relaxed)).filter(|&i| i < count) {
                    if let Some(complaint) = each(i) {
                        complaints.lock().unwrap().push(complaint);
                    }
                }
            });
        }
    });
    let mut complaints = complaints.into_inner().unwrap();
    complaints.sort();
    complaints
}

#[test]
fn every_recorded_schedule_is_reproduced() {
    let mut programs: Vec<PathBuf> = fs::read_dir(folder())
        .expect("the recorded programs")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "prog"))
        .collect();
    programs.sort();
    assert_eq!(programs.len(), 150, "all the recorded programs are here");
    let wrong = in_parallel(programs.len(), |i| {
        let program = &programs[i];
        let name = program.file_stem().expect("N.prog").to_string_lossy();
        let go = fs::read_to_string(program.with_extension("log")).expect("N.log");
        let mut interpreter = interpreter();
        if let Some((_, tick)) = START_TICKS.iter().find(|(program, _)| *program == name) {
            interpreter.env("GOSCHED", format!("schedtick={tick}"));
        }
        let ours = outcome(interpreter, program, &scratch(&format!("{name}.log")));
        (ours != go).then(|| format!("{name}: {}", difference(&ours, &go)))
    });
    assert!(
        wrong.is_empty(),
        "{} of 150 differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Go 1.27, if it is here: `$GO`, or on the `PATH`, or beside this repository.
fn find_go() -> Result<PathBuf, String> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../go/bin/go");
    let wanted = std::env::var_os("GO").map(PathBuf::from);
    let mut seen = String::new();
    for go in wanted.into_iter().chain(["go".into(), beside]) {
        let Ok(out) = go_command(&go).arg("version").output() else {
            continue;
        };
        let version = String::from_utf8_lossy(&out.stdout).into_owned();
        if version.contains("go1.27") {
            return Ok(go);
        }
        let _ = write!(seen, "{}: {}; ", go.display(), version.trim());
    }
    Err(format!("no Go 1.27 in $GO, $PATH or ../go ({seen})"))
}

fn go_command(go: &Path) -> Command {
    let mut command = Command::new(go);
    // Nothing is to be downloaded, and nobody else's settings count.
    command.env("GOTOOLCHAIN", "local").env("GOWORK", "off");
    command.env("GOFLAGS", "").current_dir(folder().join("go"));
    command.stdin(Stdio::null());
    command
}

/// Builds `tests/conformance/go`.
fn go_interpreter() -> Result<PathBuf, String> {
    let binary = scratch("schedule-go");
    let built = go_command(&find_go()?)
        .args(["build", "-o"])
        .arg(&binary)
        .arg(".")
        .output()
        .map_err(|e| e.to_string())?;
    assert!(
        built.status.success(),
        "tests/conformance/go: {}",
        String::from_utf8_lossy(&built.stderr)
    );
    Ok(binary)
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|e| panic!("{variable}={text}: {e}")),
    )
}

#[test]
fn fresh_programs_run_as_on_go() {
    let binary = match go_interpreter() {
        Ok(binary) => binary,
        Err(why) => return println!("skipped: {why}"),
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seed = number("GOSCHED_SEED").unwrap_or_else(|| now.expect("after 1970").as_secs());
    let count = number("GOSCHED_STRESS").unwrap_or(FRESH);
    println!("GOSCHED_SEED={seed}, {count} programs");
    let unsteady = AtomicUsize::new(0);
    let wrong = in_parallel(count as usize, |i| {
        let seed = seed + i as u64;
        let kind = match i % 2 {
            0 => Kind::Recorded,
            _ => Kind::Wild,
        };
        let program = scratch(&format!("{seed}-{kind:?}.prog"));
        let log = |who| scratch(&format!("{seed}-{kind:?}.{who}.log"));
        fs::write(&program, generate::program(seed, kind)).expect("a writable folder");
        let go = || {
            let mut interpreter = Command::new(&binary);
            interpreter.env("GOMAXPROCS", "1").env_remove("GODEBUG");
            outcome(interpreter, &program, &log("go"))
        };
        let theirs = go();
        let ours = outcome(interpreter(), &program, &log("ours"));
        if ours != theirs {
            // Go looks at the clock (slices, starving mutexes): as in the recording, what is
            // not the same five times does not count.
            if (1..5).any(|_| go() != theirs) {
                unsteady.fetch_add(1, Relaxed);
                return None;
            }
            let difference = difference(&ours, &theirs);
            return Some(format!("{}: {difference}", program.display()));
        }
        let _ = fs::remove_file(&program); // what differs stays, to be looked at
        None
    });
    let unsteady = unsteady.into_inner();
    println!("{unsteady} not counted: Go does not always do the same");
    assert!(
        wrong.is_empty(),
        "{} of {count} differ (GOSCHED_SEED={seed}):\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        unsteady as u64 <= count / 10 + 3,
        "Go itself was unsteady in {unsteady} of {count}: too few were compared"
    );
}
