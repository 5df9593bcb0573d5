//! What the runtime says of itself: dumps, SIGQUIT, schedtrace, backtraces of
//! panics, errors in `GOSCHED`, and the error when there are no more stacks.
#![allow(unsafe_code, reason = "the door into the runtime")]

mod support;

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use gosched::sync::WaitGroup;
use support::child::{Ended, again, role, run};

const LIMIT: Duration = Duration::from_secs(30);

/// The test `name` again in a child, as the given child; with these variables.
fn child(name: &str, variables: &[(&str, &str)]) -> Ended {
    let mut command = again(name, "child");
    command
        .env_remove("GOSCHED")
        .envs(variables.iter().copied());
    run(&mut command, LIMIT)
}

fn in_runtime<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    // SAFETY: nothing is tied to an OS thread.
    unsafe { gosched::run(f) }
}

/// Lines of `text` from the first that is `first`, one after the other; `...` stands for any end
/// of a line.
#[track_caller]
fn assert_lines(ended: &Ended, expected: &[&str]) {
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let fits = |line: &str, pattern: &str| match pattern.split_once("...") {
        Some((begin, end)) => line.starts_with(begin) && line.ends_with(end),
        None => line == pattern,
    };
    let found = lines
        .windows(expected.len())
        .any(|window| window.iter().zip(expected).all(|(l, p)| fits(l, p)));
    assert!(found, "{expected:#?} is not in\n{ended}");
}

/// Goroutines of every kind, for ever.
fn busy() {
    static STOP: AtomicBool = AtomicBool::new(false);
    in_runtime(|| {
        let named = gosched::thread::Builder::new().name("parked".into());
        named.spawn(gosched::thread::park).unwrap();
        gosched::go(|| {
            println!("\nready");
            while !STOP.load(Relaxed) {
                std::hint::spin_loop();
            }
        });
        let wg = WaitGroup::new();
        wg.add(1);
        wg.wait();
    });
}

/// Starts the child, waits until it says that it is ready, sends SIGQUIT `count` times.
fn quit(name: &str, count: usize) -> Ended {
    let mut command = again(name, "child");
    // Its own group, so that the signal is for it alone.
    let mut process = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = process.stdout.take().unwrap();
    let mut said = String::new();
    while !said.contains("\nready\n") {
        let mut byte = [0];
        assert_eq!(stdout.read(&mut byte).unwrap(), 1, "it ended early: {said}");
        said.push(char::from(byte[0]));
    }
    let pid = process.id().to_string();
    for _ in 0..count {
        let sent = Command::new("kill").args(["-QUIT", &pid]).status().unwrap();
        assert!(sent.success());
    }
    let mut stderr = String::new();
    process
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    let status = process.wait().unwrap();
    Ended {
        status: status.code(),
        signal: std::os::unix::process::ExitStatusExt::signal(&status),
        timed_out: false,
        stdout: said,
        stderr,
    }
}

#[test]
fn sigquit_dumps_every_goroutine_and_exits_with_2() {
    if role().is_some() {
        busy();
    }
    let ended = quit("sigquit_dumps_every_goroutine_and_exits_with_2", 1);
    assert_eq!(ended.status, Some(2), "{ended}");
    assert_lines(&ended, &["SIGQUIT: quit", "PC=0x... sigcode=0", ""]);
    assert_lines(&ended, &["goroutine 1 [...]:", "\tname: main"]);
    assert_lines(&ended, &["goroutine 2 [...]:", "\tname: parked"]);
    assert!(ended.stderr.contains("goroutine 3 [running]:"), "{ended}");
}

#[test]
fn a_program_with_its_own_sigquit_keeps_it() {
    extern "C" fn own(_: i32) {
        std::process::abort();
    }
    if role().is_some() {
        // SAFETY: the handler only aborts.
        unsafe { libc::signal(libc::SIGQUIT, own as *const () as usize) };
        busy();
    }
    let ended = quit("a_program_with_its_own_sigquit_keeps_it", 1);
    assert_eq!(ended.signal, Some(libc::SIGABRT), "{ended}");
    assert!(!ended.stderr.contains("goroutine"), "{ended}");
}

#[test]
fn schedtrace_prints_a_line_now_and_then() {
    let name = "schedtrace_prints_a_line_now_and_then";
    if role().is_some() {
        in_runtime(|| gosched::thread::sleep(Duration::from_millis(200)));
        std::process::exit(0);
    }
    let ended = child(name, &[("GOSCHED", "schedtrace=10"), ("GOMAXPROCS", "2")]);
    assert_eq!(ended.status, Some(0), "{ended}");
    assert_lines(
        &ended,
        &["SCHED ...ms: gomaxprocs=2 idleprocs=..."].map(|_| "SCHED ... ]"),
    );
    let line = ended
        .stderr
        .lines()
        .find(|l| l.starts_with("SCHED "))
        .unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let keys = [
        "gomaxprocs=2",
        "idleprocs=",
        "threads=",
        "spinningthreads=",
        "needspinning=",
        "idlethreads=",
        "runqueue=",
    ];
    assert!(words[1].ends_with("ms:"), "{line}");
    for (word, key) in words[2..].iter().zip(keys) {
        assert!(word.starts_with(key), "{word} {key} {line}");
    }
    assert_eq!(
        (words[9], words[12], words[13]),
        ("[", "]", "schedticks=["),
        "{line}"
    );

    let detail = [
        ("GOSCHED", "schedtrace=10,scheddetail=1"),
        ("GOMAXPROCS", "2"),
    ];
    let ended = child(name, &detail);
    for part in [
        "  P0: status=",
        "  P1: status=",
        "  M0: p=",
        "  G1: status=",
        "(sleep) m=nil lockedm=nil",
        " stopwait=0 ",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {ended}");
    }
}

#[test]
fn a_wrong_gosched_is_a_clear_panic() {
    let name = "a_wrong_gosched_is_a_clear_panic";
    if role().is_some() {
        in_runtime(|| ());
    }
    let ended = child(name, &[("GOSCHED", "shedtrace=1")]);
    assert_ne!(ended.status, Some(0), "{ended}");
    let words = "GOSCHED: unknown key `shedtrace`; there are asyncpreemptoff (0 or 1), ";
    assert!(ended.stderr.contains(words), "{ended}");
    let ended = child(name, &[("GOSCHED", "stackguard=no")]);
    let words = "GOSCHED: stackguard=no: want stackguard=batch, single or mprotect";
    assert!(ended.stderr.contains(words), "{ended}");
}

#[inline(never)]
fn one_of_the_users_functions() {
    panic!("as planned");
}

#[test]
fn a_backtrace_reaches_from_the_panic_to_the_root() {
    let name = "a_backtrace_reaches_from_the_panic_to_the_root";
    if role().is_some() {
        in_runtime(|| {
            let plain = gosched::thread::spawn(one_of_the_users_functions);
            assert!(plain.join().is_err());
            eprintln!("--- grown");
            let grown = gosched::thread::spawn(|| {
                gosched::stack::grow(usize::MAX, 1 << 20, one_of_the_users_functions);
            });
            assert!(grown.join().is_err());
        });
        std::process::exit(0);
    }
    let ended = child(name, &[("RUST_BACKTRACE", "1")]);
    assert_eq!(ended.status, Some(0), "{ended}");
    let (plain, grown) = ended.stderr.split_once("--- grown").unwrap();
    // Names of functions are shorter in a release build, so files are looked for.
    for (text, through) in [(plain, "catch_unwind"), (grown, "runtime/api/stack.rs:")] {
        let mut rest = text;
        for words in [
            "panicked at tests/report.rs:",
            "as planned",
            "one_of_the_users_functions",
            through,
            "runtime/core/sched/exit.rs:",
        ] {
            let at = rest.find(words);
            let at = at.unwrap_or_else(|| panic!("{words} is missing, or too early: {ended}"));
            rest = &rest[at + words.len()..];
        }
    }
}

#[test]
fn where_stacks_are_scarce_the_error_comes_at_the_spawn() {
    const TIMERS: usize = 1_000;
    let name = "where_stacks_are_scarce_the_error_comes_at_the_spawn";
    if role().is_some() {
        in_runtime(|| {
            let wg = Arc::new(WaitGroup::new());
            let running = Arc::new(AtomicUsize::new(0));
            wg.add(1);
            gosched::thread::scope(|s| {
                let mut handles = Vec::new();
                let wait = || {
                    running.fetch_add(1, Relaxed);
                    wg.wait();
                };
                let error = loop {
                    let builder = gosched::thread::Builder::new();
                    match builder.spawn_scoped(s, wait) {
                        Ok(handle) => handles.push(handle),
                        Err(error) => break error,
                    }
                };
                println!("\n{} spawned, then: {error}", handles.len());
                let payload = std::panic::catch_unwind(|| gosched::go(|| ())).unwrap_err();
                println!("go: {}", payload.downcast_ref::<String>().unwrap());
                assert_eq!(error.kind(), std::io::ErrorKind::OutOfMemory);
                // All that were spawned can run, and so can what timers start beyond the limit.
                support::yield_until("all run", || running.load(Relaxed) == handles.len());
                for _ in 0..TIMERS {
                    let (wg, running) = (Arc::clone(&wg), Arc::clone(&running));
                    gosched::time::after_func(Duration::from_micros(1), move || {
                        running.fetch_add(1, Relaxed);
                        wg.wait();
                    });
                }
                let all = handles.len() + TIMERS;
                support::yield_until("all run", || running.load(Relaxed) == all);
                for _ in 0..300 {
                    let builder = gosched::thread::Builder::new();
                    assert!(builder.spawn_scoped(s, wait).is_err());
                }
                wg.done();
                handles.into_iter().for_each(|h| h.join().unwrap());
                println!("all ran");
            });
            // And now there is room again.
            gosched::thread::spawn(|| ()).join().unwrap();
        });
        std::process::exit(0);
    }
    let ended = child(name, &[("GOSCHED", "stackguard=mprotect")]);
    assert_eq!(ended.status, Some(0), "{ended}");
    let words = "goroutine stacks can be guarded: this kernel has no MADV_GUARD_INSTALL";
    assert_eq!(ended.stdout.matches(words).count(), 2, "{ended}");
    assert!(
        ended.stdout.contains("sysctl -w vm.max_map_count="),
        "{ended}"
    );
    assert!(
        ended.stdout.contains("go: failed to spawn a goroutine: "),
        "{ended}"
    );
    assert!(ended.stdout.contains("all ran"), "{ended}");
}
