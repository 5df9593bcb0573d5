//! Go's schedules, step by step: `examples/schedule` runs a program at one P, and its log, exit
//! status and first line of stderr must be what Go 1.27.3 leaves.
//!
//! The 150 programs that were recorded (`tests/conformance/README.md` has the format), and, if
//! there is a Go 1.27, the same and fresh random ones beside Go itself (`tests/conformance/go`).
//! `GOSCHED_STRESS=5000` runs that many fresh ones, `GOSCHED_SEED=N` those of seed N.
//!
//! At which tick a program starts is chance in Go, and decides when the 61st look goes to the
//! global queue: see README.md, "The start tick". Beside Go, both start at the same.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, SystemTime};

#[path = "support/child.rs"]
mod child;
#[path = "conformance/generate.rs"]
mod generate;
#[path = "../examples/schedule/program.rs"]
mod program;
#[path = "conformance/model.rs"]
mod model;
#[path = "conformance/decode.rs"]
mod decode;
#[path = "conformance/beside_model.rs"]
mod beside_model;

use generate::Kind;

const LIMIT: Duration = Duration::from_secs(60);
/// At the same time: they wait more than they compute.
const WORKERS: usize = 8;
/// Fresh programs, if nobody wants more.
const FRESH: u64 = 100;

/// Programs that were recorded from another start tick. Go itself says so, below.
const START_TICKS: &[(&str, u64)] = &[("10148", 3)];

/// mini always starts from 0: it cannot show these.
const STARTED_LATER: &[&str] = &["10148"];

fn recorded_at(name: &str) -> u64 {
    let at = START_TICKS.iter().find(|(program, _)| *program == name);
    at.map_or(0, |&(_, tick)| tick)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// `target/PROFILE/examples/schedule`, from this tick.
fn interpreter(tick: u64) -> Command {
    static TOOL: LazyLock<PathBuf> = LazyLock::new(find_tool);
    let mut command = Command::new(&*TOOL);
    match tick {
        0 => command.env_remove("GOSCHED"), // as people start it
        _ => command.env("GOSCHED", format!("schedtick={tick}")),
    };
    command
}

/// Cargo builds it with all tests, but not with `--test conformance`: then it may be old.
fn find_tool() -> PathBuf {
    let test = std::env::current_exe().expect("this test is a file");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("target/PROFILE/deps/TEST");
    let tool = profile.join("examples").join("schedule");
    let built = |path: &Path| fs::metadata(path).and_then(|m| m.modified());
    // Cargo's list of what it was made from: `TOOL: SOURCE SOURCE ...`.
    let sources = fs::read_to_string(tool.with_extension("d")).unwrap_or_default();
    let sources = sources.replace("\\ ", "\0");
    let mut sources = sources.split_whitespace().skip(1);
    let fresh = built(&tool).is_ok_and(|tool| {
        sources.all(|source| {
            let source = source.replace('\0', " ");
            built(source.as_ref()).is_ok_and(|source| source <= tool)
        })
    });
    assert!(
        fresh,
        "first: cargo build --example schedule (or with --release)"
    );
    tool
}

/// What a run leaves, in the form of a `.log` file.
fn outcome(mut interpreter: Command, program: &Path, log: &Path) -> String {
    outcome_of(interpreter.arg(program).arg(log), log)
}

fn outcome_of(command: &mut Command, log: &Path) -> String {
    let ended = child::run(command, LIMIT);
    let stderr = ended.stderr.lines().next().unwrap_or("").to_owned();
    let text =
        fs::read_to_string(log).unwrap_or_else(|e| panic!("{}: {e}\n{ended}", log.display()));
    let _ = fs::remove_file(log); // the next run makes its own
    let status = ended
        .status
        .map_or("by a signal".into(), |code| code.to_string());
    // The rest of four megabytes is NUL: in debug builds a search from the end takes long.
    let written = text.split('\0').next().unwrap_or("");
    format!("exit {status} {stderr}\n{written}")
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

/// The recorded programs, in order.
fn recorded() -> Vec<PathBuf> {
    let mut programs: Vec<PathBuf> = fs::read_dir(folder())
        .expect("the recorded programs")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "prog"))
        .collect();
    programs.sort();
    assert_eq!(programs.len(), 150, "all the recorded programs are here");
    programs
}

fn name(program: &Path) -> String {
    let stem = program.file_stem().expect("N.prog");
    stem.to_string_lossy().into_owned()
}

fn record(program: &Path) -> String {
    fs::read_to_string(program.with_extension("log")).expect("N.log")
}

/// Programs that wait on a condition variable, which mini does not have.
const WITH_CONDVAR: usize = 4;

/// mini, of the same interpreter. Its mutex starves by the clock, as Go's: a run in which one has,
/// on a busy machine, does not count.
#[test]
fn mini_reproduces_every_schedule_that_it_has_the_means_for() {
    let (programs, skipped) = (recorded(), AtomicUsize::new(0));
    let wrong = in_parallel(programs.len(), |i| {
        let (program, name) = (&programs[i], name(&programs[i]));
        let go = record(program);
        let run = || {
            let log = scratch(&format!("{name}.mini.log"));
            let mut command = interpreter(0);
            fs::write(&log, "").expect("a writable folder");
            outcome_of(command.arg(program).arg(&log).arg("mini"), &log)
        };
        let ours = (0..5)
            .map(|_| run())
            .find(|ours| *ours == go)
            .unwrap_or_else(run);
        if ours.starts_with("exit 65 mini has no condition variables") {
            skipped.fetch_add(1, Relaxed);
            return None;
        }
        (ours != go && !STARTED_LATER.contains(&&*name))
            .then(|| format!("{name}: {}", difference(&ours, &go)))
    });
    assert!(
        wrong.is_empty(),
        "{} of 150 differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(skipped.into_inner(), WITH_CONDVAR);
}

#[test]
fn every_recorded_schedule_is_reproduced() {
    let programs = recorded();
    let wrong = in_parallel(programs.len(), |i| {
        let (program, name) = (&programs[i], name(&programs[i]));
        let log = scratch(&format!("{name}.log"));
        let ours = outcome(interpreter(recorded_at(&name)), program, &log);
        let go = record(program);
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

/// `tests/conformance/go`, built once.
fn go_interpreter() -> Result<PathBuf, String> {
    static BUILT: LazyLock<Result<PathBuf, String>> = LazyLock::new(build_go_interpreter);
    BUILT.clone()
}

fn build_go_interpreter() -> Result<PathBuf, String> {
    let binary = scratch("schedule-go");
    let mut build = go_command(&find_go()?);
    build.args(["build", "-o"]).arg(&binary).arg(".");
    let built = build.output().map_err(|e| e.to_string())?;
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

/// `GOSCHED_SEED`, or the time.
fn first_seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    number("GOSCHED_SEED").unwrap_or_else(|| now.expect("after 1970").as_secs())
}

/// Runs a program here and on Go, from the same tick. `Err`: how they differ. `Ok(None)`: Go
/// does not always do the same (it looks at the clock: slices, starving mutexes); what is not the
/// same twenty times does not count.
fn beside_go(
    go: &Path,
    program: &Path,
    what: &str,
    tick: u64,
) -> Result<Option<String>, String> {
    let run_go = || {
        let mut command = Command::new(go);
        command.env("GOMAXPROCS", "1").env_remove("GODEBUG");
        command.env("SCHEDTICK", tick.to_string());
        outcome(command, program, &scratch(&format!("{what}.go.log")))
    };
    let theirs = run_go();
    let log = scratch(&format!("{what}.ours.log"));
    let ours = outcome(interpreter(tick), program, &log);
    if ours == theirs {
        return Ok(Some(ours));
    }
    // On a machine that is very busy a mutex starves in nearly every run.
    if (1..20).any(|_| run_go() != theirs) {
        return Ok(None);
    }
    let (path, difference) = (program.display(), difference(&ours, &theirs));
    Err(format!("{path} from tick {tick}: {difference}"))
}

/// Complains of what differs, and when Go was too unsteady for a comparison.
fn judge(wrong: &[String], unsteady: usize, count: usize) {
    println!("{unsteady} not counted: Go does not always do the same");
    assert!(
        wrong.is_empty(),
        "{} of {count} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        unsteady <= count / 3 + 3,
        "Go itself was unsteady in {unsteady} of {count}: too few were compared"
    );
}

/// From our start tick Go does what we do, also where that is not what was recorded; and from
/// the tick that we say a program was recorded from, Go gives the record.
#[test]
fn recorded_programs_run_as_on_go() {
    let go = match go_interpreter() {
        Ok(go) => go,
        Err(why) => return println!("skipped: {why}"),
    };
    let (programs, unsteady) = (recorded(), AtomicUsize::new(0));
    let wrong = in_parallel(programs.len(), |i| {
        let (program, name) = (&programs[i], name(&programs[i]));
        let recorded_at = recorded_at(&name);
        for tick in BTreeSet::from([0, recorded_at]) {
            match beside_go(&go, program, &format!("{name}-beside"), tick) {
                Err(difference) => return Some(difference),
                Ok(None) => _ = unsteady.fetch_add(1, Relaxed),
                Ok(Some(both)) if (both == record(program)) != (tick == recorded_at) => {
                    return Some(format!("{name}: recorded from another tick"));
                }
                Ok(Some(_)) => (),
            }
        }
        None
    });
    judge(&wrong, unsteady.into_inner(), programs.len());
}

#[test]
fn fresh_programs_run_as_on_go() {
    let go = match go_interpreter() {
        Ok(go) => go,
        Err(why) => return println!("skipped: {why}"),
    };
    let first = first_seed();
    let count = number("GOSCHED_STRESS").unwrap_or(FRESH) as usize;
    println!("GOSCHED_SEED={first}, {count} programs");
    let unsteady = AtomicUsize::new(0);
    let wrong = in_parallel(count, |i| {
        let seed = first + i as u64;
        let (kind, tick) = match i % 4 {
            0 => (Kind::Recorded, 0),
            1 | 2 => (Kind::Recorded, seed % 61),
            _ => (Kind::Wild, seed % 61),
        };
        let what = format!("{seed}-{kind:?}");
        let program = scratch(&format!("{what}.prog"));
        fs::write(&program, generate::program(seed, kind)).expect("a writable folder");
        match beside_go(&go, &program, &what, tick) {
            Err(difference) => return Some(difference), // the program stays, to be looked at
            Ok(None) => _ = unsteady.fetch_add(1, Relaxed),
            Ok(Some(_)) => (),
        }
        let _ = fs::remove_file(&program); // only to be tidy
        None
    });
    judge(&wrong, unsteady.into_inner(), count);
}

/// Makes the programs that the core alone can run (`tests/core_alone.rs`), and records them:
/// `cargo test --test conformance -- --ignored record`.
#[test]
#[ignore = "writes tests/conformance/core"]
fn record_programs_for_the_core() {
    let go = go_interpreter().unwrap();
    let core = folder().join("core");
    let mut left = 40;
    for seed in 1_u64.. {
        if left == 0 {
            break;
        }
        let program = core.join(format!("{seed}.prog"));
        fs::write(&program, generate::program(seed, Kind::Core)).expect("a writable folder");
        let runs: BTreeSet<_> = (0..5)
            .map(|_| {
                let mut command = Command::new(&go);
                command.env("GOMAXPROCS", "1").env_remove("GODEBUG");
                command.env("SCHEDTICK", "0");
                outcome(command, &program, &scratch("core.go.log"))
            })
            .collect();
        match runs.first().filter(|_| runs.len() == 1) {
            Some(log) if log.lines().count() > 20 => {
                fs::write(program.with_extension("log"), log).expect("a writable folder");
                left -= 1;
            }
            _ => fs::remove_file(&program).expect("just written"),
        }
    }
}
