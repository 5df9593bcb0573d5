//! The deadlock report, word for word. Without the test harness: its main thread waits on a
//! channel of std's, could act, and so prevents the report, as it should.
#![allow(unsafe_code, reason = "the door into the runtime")]

use std::process::Command;

use gosched::sync::{Arc, Barrier, Mutex, Once, RwLock, WaitGroup};

static LOCK: Mutex<()> = Mutex::new(());

/// Name, what the child does, and what it writes then; `...` stands for anything in a line,
/// `*` for lines up to the last one.
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
            "\twaits for: goroutine ...",
            "\tat deadlock::who_waits_for_what::{{closure}}",
            "\t   tests/deadlock.rs:...",
            "\tcreated at tests/deadlock.rs:...",
            "\tstack: ... KiB of 8192",
            "",
            "goroutine ... [sync.Mutex.Lock]:",
            "\tname: waiter",
            "\twaits for: 0x...",
            "\tat deadlock::who_waits_for_what::{{closure}}::{{closure}}",
            "\t   tests/deadlock.rs:...",
            "\tcreated by goroutine 1 at tests/deadlock.rs:...",
            "\tstack: ... KiB of 256",
            #[cfg(debug_assertions)]
            "",
            #[cfg(debug_assertions)]
            "goroutine 1 waits to join ..., which waits for a Mutex held by 1",
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
            "\tat deadlock::on_a_grown_stack::{{closure}}::{{closure}}",
            "\t   tests/deadlock.rs:...",
            "\tat deadlock::on_a_grown_stack::{{closure}}",
            "\t   tests/deadlock.rs:...",
            "\tcreated at tests/deadlock.rs:...",
            "\tstack: ... KiB of 8704 (1 by stack::grow)",
        ],
    ),
    (
        "in_a_circle",
        in_a_circle,
        &[
            "fatal error: all goroutines are asleep - deadlock!",
            "",
            "goroutine 1 [join]:",
            "\tname: main",
            "\twaits for: goroutine ...",
            "\tat deadlock::in_a_circle::{{closure}}",
            "\t   tests/deadlock.rs:...",
            "\tcreated at tests/deadlock.rs:...",
            "\tstack: ... KiB of 8192",
            "",
            "*",
            #[cfg(debug_assertions)]
            "goroutine 1 waits to join ..., which waits for a Once that is run by ..., which waits to read \
             what is written by ..., which waits for a Mutex held by 1",
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

/// Each holds what the next one waits for.
fn in_a_circle() {
    in_runtime(|| {
        let (table, once) = (Arc::new(RwLock::new(())), Arc::new(Once::new()));
        let (read, also, ready) = (table.clone(), once.clone(), Arc::new(Barrier::new(3)));
        let (writes, runs) = (ready.clone(), ready.clone());
        let held = LOCK.lock().unwrap();
        gosched::go(move || {
            let _held = table.write().unwrap();
            writes.wait();
            drop(LOCK.lock());
        });
        gosched::go(move || {
            once.call_once(|| {
                runs.wait();
                drop(read.read());
            });
        });
        ready.wait();
        let waiter = gosched::thread::spawn(move || also.call_once(|| ()));
        waiter.join().unwrap();
        drop(held);
    });
}

fn main_called_goexit() {
    in_runtime(|| gosched::goexit());
}

/// Do the parts between `...` stand in the line, in this order?
fn fits(line: &str, pattern: &str) -> bool {
    let mut parts = pattern.split("...");
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || pattern.ends_with("...")
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
        let open = expected.iter().position(|pattern| *pattern == "*");
        let (head, tail) = expected.split_at(open.unwrap_or(expected.len()));
        let tail = tail.get(1..).unwrap_or_default();
        let long_enough = lines.len() >= head.len() + tail.len();
        assert!(
            long_enough && (open.is_some() || lines.len() == head.len()),
            "{name}: {text}"
        );
        let last = &lines[lines.len() - tail.len()..];
        for (line, pattern) in lines.iter().zip(head).chain(last.iter().zip(tail)) {
            assert!(
                fits(line, pattern),
                "{name}: {line:?} is not {pattern:?}\n{text}"
            );
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
