//! The solutions of `exercises/`, as patches: each is applied to a copy of mini, which is built
//! and run.
#![cfg_attr(loom, allow(dead_code, reason = "only exercises 5 and 6 have a model"))]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Long enough for a build on a busy machine.
const LIMIT: Duration = Duration::from_secs(500);
/// A program that has not ended by then does not end.
const HANGS: Duration = Duration::from_secs(10);

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A workspace of its own with a copy of mini in it, and the patch applied.
fn solution(name: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("exercises")
        .join(name);
    let copy = place.join(format!("mini-{name}")); // cargo tells packages apart by their place
    let _ = fs::remove_dir_all(&place);
    copy_folder(here(), &copy);
    let root = here().join("../..");
    fs::write(place.join("Cargo.toml"), workspace(&root, name)).unwrap();
    fs::copy(root.join("Cargo.lock"), place.join("Cargo.lock")).unwrap();
    let status = Command::new("git")
        .args(["apply", "--whitespace=nowarn"])
        .arg(here().join(format!("exercises/{name}.patch")))
        .current_dir(&copy)
        .env("GIT_CEILING_DIRECTORIES", &place) // as if this were no repository
        .status()
        .expect("git starts");
    assert!(status.success(), "{name}.patch does not apply");
    place
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Of the real one: versions, lints and profiles.
fn workspace(root: &Path, name: &str) -> String {
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let mut text = format!("[workspace]\nmembers = [\"mini-{name}\"]\nresolver = \"3\"\n");
    let mut wanted = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            wanted = line.starts_with("[workspace.") || line.starts_with("[profile.");
        }
        if wanted {
            text += line;
            text.push('\n');
        }
    }
    text
}

/// In the target folder of this test, where the dependencies are built already.
fn cargo_test(place: &Path, args: &[&str]) -> Command {
    let me = std::env::current_exe().unwrap();
    let target = me.ancestors().nth(3).expect("target/PROFILE/deps/TEST");
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["test", "--offline", "-p", "gosched-mini"])
        .args(args);
    command.current_dir(place).env("CARGO_TARGET_DIR", target);
    command.env("RUST_BACKTRACE", "0");
    command
}

/// All that it wrote, and whether it was good.
fn run(mut command: Command) -> (bool, String) {
    let log = PathBuf::from(format!(
        "{}.log",
        command.get_current_dir().unwrap().display()
    ));
    let file = fs::File::create(&log).unwrap();
    command
        .stdin(Stdio::null())
        .stderr(file.try_clone().unwrap())
        .stdout(file);
    let mut child = command.spawn().expect("cargo starts");
    let end = Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(
            Instant::now() < end,
            "no end: {}",
            fs::read_to_string(&log).unwrap()
        );
        sleep(Duration::from_millis(20));
    };
    (status.success(), fs::read_to_string(&log).unwrap())
}

#[track_caller]
fn passes(name: &str, tests: &[&str]) {
    let (good, text) = run(cargo_test(&solution(name), tests));
    assert!(good && text.contains("test result: ok"), "{text}");
}

/// It fails, and says so.
#[track_caller]
fn fails(name: &str, tests: &[&str], words: &[&str]) {
    let (good, text) = run(cargo_test(&solution(name), tests));
    assert!(!good, "{text}");
    for words in words {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[cfg(not(loom))]
#[test]
fn exercise_1_last_in_first_out() {
    let reversed = "[9, 8, 7, 6, 5, 4, 3, 2, 1, 0]";
    fails("1-lifo", &["--test", "order"], &["5 failed", reversed]);
}

/// The test hangs: main stands in the global queue, and nobody looks there.
#[cfg(not(loom))]
#[test]
fn exercise_2_remove_the_61() {
    let place = solution("2-no-61");
    let (built, text) = run(cargo_test(&place, &["--test", "order", "--no-run"]));
    assert!(built, "{text}");
    let (_, program) = text
        .split_once("tests/order.rs (")
        .expect("the program's path");
    let (program, _) = program.split_once(')').unwrap();
    let test = "the_global_queue_is_polled_every_61_picks";
    let mut child = Command::new(place.join(program))
        .args([test, "--exact"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + HANGS;
    while Instant::now() < end {
        assert!(child.try_wait().unwrap().is_none(), "main came back");
        sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[cfg(not(loom))]
#[test]
fn exercise_3_steal_one() {
    passes("3-steal-one", &["--test", "steals", "--test", "run"]);
}

#[cfg(not(loom))]
#[test]
fn exercise_4_a_condvar() {
    passes("4-condvar", &["--test", "condvar", "--test", "run"]);
}

#[cfg(not(loom))]
#[test]
fn exercise_5_sleep() {
    passes("5-sleep", &["--test", "sleep", "--test", "run"]);
}

/// The arguments for the models of the idle protocol. `RUSTFLAGS="--cfg loom"`, as for all models.
#[cfg(loom)]
fn models() -> Vec<&'static str> {
    let release = (!cfg!(debug_assertions)).then_some("--release");
    ["--lib", "idle::model"]
        .into_iter()
        .chain(release)
        .collect()
}

/// A timer that is added, or taken out, while all lie down.
#[cfg(loom)]
#[test]
fn exercise_5_no_deadlock_is_seen_while_there_is_a_timer() {
    passes("5-sleep", &models());
}

#[cfg(loom)]
#[test]
fn exercise_6_the_model_finds_the_lost_wake_up() {
    fails("6-forget-the-fence", &models(), &["deadlock; threads ="]);
}

/// Without loom it passes all the same: a test does not find such a thing.
#[cfg(not(loom))]
#[test]
fn exercise_6_the_tests_do_not_notice() {
    passes("6-forget-the-fence", &["--test", "run"]);
}

#[cfg(not(loom))]
#[test]
fn exercise_7_a_ring() {
    passes(
        "7-ring",
        &["--test", "order", "--test", "run", "--test", "stress"],
    );
}
