//! The core without the extras (`--no-default-features`): what its small API promises, and Go's
//! schedules of programs that need nothing else (`tests/conformance/core`), step by step.
#![cfg(not(feature = "ext"))]
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use gosched::sync::{Mutex, WaitGroup};
use gosched::thread;

#[path = "support/child.rs"]
mod child;
#[path = "../examples/schedule/log.rs"]
mod log;
#[path = "core_alone/on_core.rs"]
mod on_core;
#[path = "../examples/schedule/program.rs"]
mod program;

/// What came of an operation that does not wait.
pub(crate) enum Try<T> {
    Done(T),
    Blocks,
    Closed,
}

const LIMIT: Duration = Duration::from_secs(20);

/// Runs `body` as main at 1, 2 and 4 Ps, each in a process of its own.
#[track_caller]
fn check(test: &str, body: fn()) {
    if child::role().is_some() {
        // SAFETY: the bodies keep nothing that is tied to a thread.
        return unsafe { gosched::run(body) };
    }
    for procs in ["1", "2", "4"] {
        let ended = child::run(child::again(test, "go").env("GOMAXPROCS", procs), LIMIT);
        assert_eq!(ended.status, Some(0), "{procs} Ps: {ended}");
    }
}

#[test]
fn ten_thousand_goroutines_are_waited_for() {
    check("ten_thousand_goroutines_are_waited_for", || {
        let (all, count) = (Arc::new(WaitGroup::new()), Arc::new(Mutex::new(0)));
        for _ in 0..10_000 {
            all.add(1);
            let (all, count) = (Arc::clone(&all), Arc::clone(&count));
            gosched::go(move || {
                thread::yield_now();
                *count.lock().unwrap() += 1;
                all.done();
            });
        }
        all.wait();
        assert_eq!(*count.lock().unwrap(), 10_000);
    });
}

#[test]
fn a_join_gives_the_value_or_the_panic() {
    check("a_join_gives_the_value_or_the_panic", || {
        let handles: Vec<_> = (0..100).map(|i| thread::spawn(move || i)).collect();
        let sum: i32 = handles.into_iter().map(|h| h.join().unwrap()).sum();
        assert_eq!(sum, 4950);
        let panics = thread::spawn(|| panic!("as it should"));
        assert!(panics.join().is_err());
    });
}

#[test]
fn a_mutex_lets_one_in() {
    check("a_mutex_lets_one_in", || {
        let inside = Arc::new((Mutex::new(()), AtomicUsize::new(0)));
        let run = |_| {
            let inside = Arc::clone(&inside);
            thread::spawn(move || {
                for _ in 0..300 {
                    let guard = inside.0.lock().unwrap();
                    assert_eq!(inside.1.fetch_add(1, Relaxed), 0);
                    thread::yield_now();
                    inside.1.fetch_sub(1, Relaxed);
                    drop(guard);
                }
            })
        };
        let handles: Vec<_> = (0..8).map(run).collect();
        handles.into_iter().for_each(|h| h.join().unwrap());
    });
}

#[test]
fn park_and_unpark_lose_nothing() {
    check("park_and_unpark_lose_nothing", || {
        let (main, turn) = (thread::current(), Arc::new(AtomicUsize::new(0)));
        let theirs = Arc::clone(&turn);
        let echo = thread::spawn(move || {
            for round in 0..1000 {
                while theirs.load(Relaxed) <= 2 * round {
                    thread::park();
                }
                theirs.fetch_add(1, Relaxed);
                main.unpark();
            }
        });
        for round in 0..1000 {
            turn.fetch_add(1, Relaxed);
            echo.thread().unpark();
            while turn.load(Relaxed) < 2 * round + 2 {
                thread::park();
            }
        }
        echo.join().unwrap();
    });
}

#[test]
fn main_s_value_and_panic_come_out() {
    // SAFETY: nothing in there.
    assert_eq!(unsafe { gosched::run(|| 6 * 7) }, 42);
    // SAFETY: as above.
    let panics =
        std::panic::catch_unwind(|| unsafe { gosched::run(|| panic!("as it should")) });
    assert!(panics.is_err());
}

#[test]
fn a_deadlock_and_an_uncaught_panic_end_the_process() {
    let test = "a_deadlock_and_an_uncaught_panic_end_the_process";
    match child::role().as_deref() {
        None => {
            let deadlock = child::run(&mut child::again(test, "wait"), LIMIT);
            assert_eq!(deadlock.status, Some(2), "{deadlock}");
            let words = "fatal error: all goroutines are asleep - deadlock!";
            assert!(deadlock.stderr.contains(words), "{deadlock}");
            let panic = child::run(&mut child::again(test, "panic"), LIMIT);
            assert_eq!(panic.status, Some(2), "{panic}");
            assert!(panic.stderr.contains("as it should"), "{panic}");
        }
        // SAFETY: nothing in there.
        Some("wait") => unsafe { gosched::run(thread::park) },
        // SAFETY: nothing in there.
        Some(_) => unsafe {
            gosched::run(|| {
                gosched::go(|| panic!("as it should"));
                thread::park();
            });
        },
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

/// In a child: runs the program, and leaves its log.
fn interpret(program: &Path, log: &Path) -> ! {
    let text = fs::read_to_string(program).unwrap();
    let (program, log) = (
        program::parse(&text).unwrap(),
        log::Log::create(log).unwrap(),
    );
    on_core::interpreter::World::new(program, log).run()
}

/// As a `.log` file.
fn outcome(test: &str, program: &Path) -> String {
    let name = program.file_stem().unwrap().to_string_lossy().into_owned();
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.core.log"));
    let mut again = child::again(test, &format!("{} {}", program.display(), log.display()));
    let ended = child::run(again.env("GOMAXPROCS", "1"), LIMIT);
    let stderr = ended.stderr.lines().next().unwrap_or("").to_owned();
    let text = fs::read_to_string(&log).unwrap_or_else(|e| panic!("{e}\n{ended}"));
    let status = ended.status.unwrap_or(-1);
    // From the front: there are four million NULs behind the text.
    let text = text.split('\0').next().unwrap_or("");
    format!("exit {status} {stderr}\n{text}")
}

/// A mutex starves by the clock, as Go's: on a busy machine a run in which one has does not count.
#[test]
fn schedules_of_go_are_reproduced() {
    let test = "schedules_of_go_are_reproduced";
    if let Some((program, log)) = child::role().as_deref().and_then(|r| r.split_once(' ')) {
        interpret(program.as_ref(), log.as_ref());
    }
    let mut programs: Vec<PathBuf> = fs::read_dir(folder().join("core"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "prog"))
        .collect();
    programs.push(folder().join("10135.prog")); // of the others the only one without channels
    assert_eq!(programs.len(), 41);
    for program in programs {
        let go = fs::read_to_string(program.with_extension("log")).unwrap();
        let same = (0..5).any(|_| outcome(test, &program) == go);
        assert!(same, "{}:\n{}", program.display(), outcome(test, &program));
    }
}
