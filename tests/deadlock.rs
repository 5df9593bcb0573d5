//! The deadlock report, word for word. Without the test harness: its main thread waits on a
//! channel of std's, could act, and so prevents the report, as it should.
#![allow(unsafe_code, reason = "the door into the runtime")]

use std::process::Command;

use gosched::sync::{Mutex, WaitGroup};

static LOCK: Mutex<()> = Mutex::new(());

/// Name, what the child does, and what it writes then; `...` stands for anything in a line.
type Case = (&'static str, fn(), &'static [&'static str]);

const CASES: &[Case] = &[
    (
        "who_waits_for_what",
        who_waits_for_what,
        &[
            "fatal error: all goroutines are asleep - deadlock!",
            "",
            "goroutine 1 [join]:",
            "\tname: main",
            "\tcreated at tests/deadlock.rs:...",
            "\tstack: ... KiB of 8192",
            "",
            "goroutine ... [sync.Mutex.Lock]:",
            "\tname: waiter",
            "\twaits for: 0x...",
            "\tcreated by goroutine 1 at tests/deadlock.rs:...",
            "\tstack: ... KiB of 256",
        ],
    ),
    (
        "on_a_grown_stack",
        on_a_grown_stack,
        &[
            "fatal error: all goroutines are asleep - deadlock!",
            "",
            "goroutine 1 [sync.WaitGroup.Wait]:",
            "\tname: main",
            "\twaits for: 0x...",
            "\tcreated at tests/deadlock.rs:...",
            "\tstack: ... KiB of 8704 (1 by stack::grow)",
        ],
    ),
    (
        "main_called_goexit",
        main_called_goexit,
        &["fatal error: no goroutines (main called runtime.Goexit) - deadlock!"],
    ),
];

fn in_runtime(f: impl FnOnce() + Send) {
    // SAFETY: nothing is tied to an OS thread.
    unsafe { gosched::run(f) }
}

fn who_waits_for_what() {
    in_runtime(|| {
        let held = LOCK.lock().unwrap();
        let waiter = gosched::thread::Builder::new().name("waiter".into());
        let handle = waiter.spawn(|| drop(LOCK.lock().unwrap())).unwrap();
        handle.join().unwrap();
        drop(held);
    });
}

fn on_a_grown_stack() {
    in_runtime(|| {
        let wg = WaitGroup::new();
        wg.add(1);
        gosched::stack::grow(usize::MAX, 300 << 10, || wg.wait());
    });
}

fn main_called_goexit() {
    in_runtime(|| gosched::goexit());
}

const KEY: &str = "GOSCHED_CHILD";

fn main() {
    if let Some(role) = std::env::var_os(KEY) {
        let case = CASES.iter().find(|case| role == case.0).unwrap();
        (case.1)();
        return;
    }
    println!("\nrunning {} tests", CASES.len() + 1);
    for (name, _, expected) in CASES {
        let mut child = Command::new(std::env::current_exe().unwrap());
        let output = child
            .env(KEY, name)
            .env("GOMAXPROCS", "2")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {text}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{name}: {text}");
        for (line, pattern) in lines.iter().zip(*expected) {
            let fits = match pattern.split_once("...") {
                Some((begin, end)) => line.starts_with(begin) && line.ends_with(end),
                None => line == pattern,
            };
            assert!(fits, "{name}: {line:?} is not {pattern:?}\n{text}");
        }
        println!("test {name} ... ok");
    }
    a_recorded_program_has_its_trace();
    println!("\ntest result: ok. {} passed; 0 failed;", CASES.len() + 1);
}

/// The trace is written after the report, as the process has no other end.
fn a_recorded_program_has_its_trace() {
    let output = Command::new(std::env::current_exe().unwrap())
        .env(KEY, "who_waits_for_what")
        .env("GOSCHED", "trace=-")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    for words in ["What each P ran", "waited for join", "sync.Mutex.Lock"] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    println!("test a_recorded_program_has_its_trace ... ok");
}
