//! Last words come out whole: whoever leaves the process while somebody tells why it ends, waits.
//!
//! The report is held up by a standard error that is full, until the child has said that it leaves;
//! each report is tried with each way out. Without libtest, as `tests/crash.rs`.
#![allow(
    unsafe_code,
    reason = "gosched::run is the unsafe door; pipes, signals"
)]

#[path = "support/bare.rs"]
mod bare;
#[path = "support/child.rs"]
mod child;
#[path = "support/full_stderr.rs"]
mod full_stderr;

use std::io::Read;
use std::os::fd::AsRawFd;
use std::process::Stdio;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use full_stderr::fill_stderr;
use gosched::{Builder, UncaughtPanic, thread};

const LIMIT: Duration = Duration::from_secs(60);
const MS: Duration = Duration::from_millis(1);

fn run<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    run_with(Builder::new(), f)
}

fn run_with<R: Send>(builder: Builder, f: impl FnOnce() -> R + Send) -> R {
    // SAFETY: nothing in these programs is tied to a thread.
    unsafe { builder.run(f) }
}

#[track_caller]
fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        std::thread::sleep(MS);
    }
}

// ---- every report, every way out

fn panic_in_go() {
    gosched::go(|| panic!("last words"));
}

fn overflow() {
    fn deeper(n: usize) -> usize {
        let frame = std::hint::black_box([n; 64]);
        if n == usize::MAX {
            return 0;
        }
        deeper(n + 1) + frame[n % 64]
    }
    gosched::go(|| println!("{}", deeper(0)));
}

fn fatal() {
    static DROPPED: AtomicBool = AtomicBool::new(false);
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new(())); // without a hook's words
        }
    }
    let bomb = || {
        // Else it would be the caller who drops the result and tells: that one has to leave.
        wait_for("the handle", || DROPPED.load(SeqCst));
        Bomb
    };
    drop(thread::spawn(bomb));
    DROPPED.store(true, SeqCst);
}

fn too_many_threads() {
    static IS_BACK: AtomicBool = AtomicBool::new(false);
    gosched::go(|| {
        // Else the caller could wait in `go` for a P, with no thread that brings it one: it has to leave.
        wait_for("the caller", || IS_BACK.load(SeqCst));
        for _ in 0..20 {
            gosched::go(|| std::thread::sleep(LIMIT));
        }
    });
    IS_BACK.store(true, SeqCst);
}

fn sigquit() {
    // SAFETY: the handler runs before this returns.
    unsafe { libc::raise(libc::SIGQUIT) };
}

type Fault = (&'static str, fn(), &'static str);

const FAULTS: &[Fault] = &[
    ("panic", panic_in_go, "panic: last words"),
    ("overflow", overflow, "fatal error: stack overflow"),
    (
        "fatal",
        fatal,
        "fatal error: the result of a goroutine panicked when it was dropped",
    ),
    (
        "threads",
        too_many_threads,
        "fatal error: thread exhaustion",
    ),
    ("sigquit", sigquit, "SIGQUIT: quit"),
];

const WAYS: &[&str] = &["returns", "exits", "exits elsewhere", "returns later"];

/// Some thread of this process waits in `write(2, ...)`.
fn somebody_writes() -> bool {
    let write = format!("{} 0x2 ", libc::SYS_write);
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks.into_iter().any(|task| {
        let call = std::fs::read_to_string(task.unwrap().path().join("syscall"));
        call.is_ok_and(|call| call.starts_with(&write))
    })
}

fn leaves(way: &str) {
    // The report of SIGQUIT is asked for before it begins.
    if way != "returns" && way != "returns later" {
        wait_for("a report", somebody_writes);
    }
    println!("leaves");
    if way == "exits" {
        std::process::exit(0);
    }
    if way == "exits elsewhere" {
        let exit = std::thread::spawn(|| std::process::exit(0));
        let _never = exit.join();
    }
}

fn in_child(what: &str) {
    let (fault, way) = what.split_once(' ').unwrap();
    let fault = FAULTS.iter().find(|f| f.0 == fault).unwrap();
    fill_stderr();
    let builder = match fault.0 {
        "threads" => Builder::new().max_threads(8),
        _ => Builder::new(),
    };
    if way == "returns later" {
        static RETURNED: AtomicBool = AtomicBool::new(false);
        run_with(builder, || {
            gosched::go(|| {
                wait_for("main", || RETURNED.load(SeqCst)); // else `run` would wait for the report
                (fault.1)();
            })
        });
        RETURNED.store(true, SeqCst);
        wait_for("a report", somebody_writes);
        return leaves(way);
    }
    run_with(builder, || {
        (fault.1)();
        if fault.0 != "sigquit" {
            wait_for("a report", somebody_writes);
        }
        leaves(way);
    });
}

const EVERY: &str = "every_report_is_told_whichever_way_main_leaves";

fn every_report_is_told_whichever_way_main_leaves() {
    if let Some(what) = child::role() {
        return in_child(&what);
    }
    for ps in ["1", "2", "4"] {
        for fault in FAULTS {
            for way in WAYS {
                is_told(EVERY, ps, fault, way, 50 * MS);
            }
        }
    }
}

/// `moment`: time to leave too early. None is needed for the test to pass.
fn is_told(test: &str, ps: &str, fault: &Fault, way: &str, moment: Duration) {
    let what = format!("{} {way}", fault.0);
    let mut command = child::again(test, &what);
    let ended = child::run_read_late(command.env("GOMAXPROCS", ps), "leaves\n", moment, LIMIT);
    let words = ended.stderr.trim_start_matches('.');
    assert_eq!(ended.status, Some(2), "{ps} Ps, {what}: {ended}");
    assert!(words.contains(fault.2), "{ps} Ps, {what}: {ended}");
}

const MANY: &str = "reports_are_told_on_a_busy_machine";

/// Many at a time: each thread may have to wait for a CPU between any two of its steps.
fn reports_are_told_on_a_busy_machine() {
    if let Some(what) = child::role() {
        return in_child(&what);
    }
    let lane = |lane: usize| {
        for round in 0..30 {
            let n = lane + 8 * round;
            let ps = ["1", "2", "4"][n / 4 % 3];
            // Half of them panics: these take the most steps.
            let fault = &FAULTS[if n.is_multiple_of(2) {
                0
            } else {
                n / 12 % FAULTS.len()
            }];
            is_told(MANY, ps, fault, WAYS[n / 2 % 4], Duration::ZERO);
        }
    };
    std::thread::scope(|s| {
        (0..8).for_each(|n| drop(s.spawn(move || lane(n))));
    });
}

// ---- panics that are under way

/// The hook is over, and a destructor takes its time.
fn a_panic_that_unwinds_is_waited_for() {
    static UNWINDS: AtomicBool = AtomicBool::new(false);
    static LEAVES: AtomicBool = AtomicBool::new(false);
    struct Slow;
    impl Drop for Slow {
        fn drop(&mut self) {
            UNWINDS.store(true, SeqCst);
            wait_for("main", || LEAVES.load(SeqCst));
            std::thread::sleep(50 * MS);
        }
    }
    let test = "a_panic_that_unwinds_is_waited_for";
    if child::role().is_some() {
        return run(|| {
            gosched::go(|| {
                let _slow = Slow;
                panic!("last words");
            });
            wait_for("a panic", || UNWINDS.load(SeqCst));
            LEAVES.store(true, SeqCst);
        });
    }
    for ps in ["1", "2", "4"] {
        let ended = child::run(child::again(test, "go").env("GOMAXPROCS", ps), LIMIT);
        assert_eq!(ended.status, Some(2), "{ps} Ps: {ended}");
        assert!(ended.stderr.contains("\npanic: last words\n"), "{ended}");
    }
}

/// As the issue has it: the hook prints a backtrace, which takes some milliseconds.
fn a_backtrace_is_waited_for() {
    let test = "a_backtrace_is_waited_for";
    if child::role().is_some() {
        return run(|| {
            gosched::go(|| panic!("last words"));
            thread::sleep(3 * MS);
        });
    }
    let mut told = 0;
    for round in 0..12 {
        let ps = ["1", "2", "4"][round % 3];
        let mut command = child::again(test, "go");
        command.env("GOMAXPROCS", ps).env("RUST_BACKTRACE", "1");
        let ended = child::run(&mut command, LIMIT);
        // Main may have been first. All or nothing.
        let words = ended.stderr.contains("\npanic: last words\n");
        assert_eq!(ended.status, Some(if words { 2 } else { 0 }), "{ended}");
        assert!(words || ended.stderr.is_empty(), "{ended}");
        told += u32::from(words);
    }
    assert!(told > 0, "main was first every time");
}

/// A panic that was caught holds nobody up: by the last words' own bound that would be two seconds
/// each time, a minute in all.
fn a_caught_panic_does_not_hold_main() {
    let test = "a_caught_panic_does_not_hold_main";
    if child::role().is_some() {
        let begin = Instant::now();
        static STOP: AtomicBool = AtomicBool::new(false);
        for how in 0..30 {
            static CAUGHT: AtomicBool = AtomicBool::new(false);
            CAUGHT.store(false, SeqCst);
            run(move || {
                gosched::go(move || {
                    std::panic::catch_unwind(|| panic!("caught")).unwrap_err();
                    CAUGHT.store(true, SeqCst);
                    match how % 3 {
                        0 => {
                            while !STOP.load(SeqCst) {
                                std::hint::spin_loop()
                            }
                        }
                        1 => std::thread::sleep(LIMIT),
                        _ => thread::park(),
                    }
                });
                while !CAUGHT.load(SeqCst) {
                    thread::yield_now();
                }
            });
        }
        println!("left after {} s", begin.elapsed().as_secs());
        STOP.store(true, SeqCst);
        return;
    }
    let mut command = child::again(test, "go");
    let ended = child::run(command.env("GOMAXPROCS", "2"), LIMIT);
    assert_eq!(ended.status, Some(0), "{ended}");
    let seconds: u64 = ended
        .stdout
        .split_whitespace()
        .rev()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    assert!(seconds < 45, "{ended}");
}

/// A hook that calls `exit` does not wait for itself.
fn a_hook_may_exit() {
    if child::role().is_some() {
        return run(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                before(info);
                std::process::exit(7);
            }));
            gosched::go(|| panic!("last words"));
            thread::park();
        });
    }
    let ended = child::run(&mut child::again("a_hook_may_exit", "go"), LIMIT);
    assert_eq!(ended.status, Some(7), "{ended}");
    assert!(ended.stderr.contains("last words"), "{ended}");
}

/// Settings count once, this one too, in both directions.
fn a_later_run_changes_nothing() {
    use UncaughtPanic::{Exit, Print};
    let test = "a_later_run_changes_nothing";
    if let Some(role) = child::role() {
        let (first, later) = match role.as_str() {
            "print" => (Print, Exit),
            _ => (Exit, Print),
        };
        run_with(Builder::new().uncaught_panic(first), || ());
        run_with(Builder::new().uncaught_panic(later), || ());
        if first == Print {
            run(|| ()); // a plain one
        }
        return run(|| {
            let (tell, told) = gosched::channel::bounded::<()>(0);
            gosched::go(move || {
                let _tell = tell;
                panic!("to be printed");
            });
            told.recv().unwrap_err();
            println!("went on");
            if first == Exit {
                thread::park();
            }
        });
    }
    let ended = child::run(&mut child::again(test, "print"), LIMIT);
    assert_eq!(ended.status, Some(0), "{ended}");
    assert!(ended.stdout.contains("went on"), "{ended}");
    assert!(ended.stderr.contains("to be printed"), "{ended}");
    let ended = child::run(&mut child::again(test, "exit"), LIMIT);
    assert_eq!(ended.status, Some(2), "{ended}");
}

// ---- a standard error that does not block

fn non_blocking(test: &str) -> (std::process::Child, std::process::ChildStderr) {
    let mut command = child::again(test, "go");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = child.stderr.take().unwrap();
    (child, stderr)
}

fn many_goroutines_in_a_deadlock() {
    // SAFETY: no memory is passed.
    unsafe { libc::fcntl(2, libc::F_SETFL, libc::O_NONBLOCK) };
    run(|| {
        for _ in 0..2000 {
            gosched::go(thread::park);
        }
        thread::park();
    });
}

fn a_long_report_is_whole_on_a_pipe_that_does_not_block() {
    let test = "a_long_report_is_whole_on_a_pipe_that_does_not_block";
    if child::role().is_some() {
        return many_goroutines_in_a_deadlock();
    }
    let (mut child, mut stderr) = non_blocking(test);
    // Nobody reads until the pipe is full, or as good as that.
    wait_for("a full pipe", || {
        let mut there: libc::c_int = 0;
        // SAFETY: the place is ours.
        unsafe { libc::ioctl(stderr.as_raw_fd(), libc::FIONREAD, &raw mut there) };
        there > 60_000
    });
    std::thread::sleep(50 * MS);
    let mut text = String::new();
    stderr.read_to_string(&mut text).unwrap();
    let goroutines = text.lines().filter(|l| l.starts_with("goroutine ")).count();
    assert_eq!(goroutines, 2001, "of {} bytes", text.len());
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

fn a_pipe_that_nobody_reads_holds_nobody_for_ever() {
    let test = "a_pipe_that_nobody_reads_holds_nobody_for_ever";
    if child::role().is_some() {
        return many_goroutines_in_a_deadlock();
    }
    let (mut child, stderr) = non_blocking(test);
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < LIMIT, "still there");
        std::thread::sleep(20 * MS);
    }
    assert_eq!(child.wait().unwrap().code(), Some(2));
    drop(stderr);
}

fn main() {
    macro_rules! tests {
        ($($test:ident),* $(,)?) => { bare::main(&[$((stringify!($test), $test)),*]) };
    }
    tests!(
        every_report_is_told_whichever_way_main_leaves,
        reports_are_told_on_a_busy_machine,
        a_panic_that_unwinds_is_waited_for,
        a_backtrace_is_waited_for,
        a_caught_panic_does_not_hold_main,
        a_hook_may_exit,
        a_later_run_changes_nothing,
        a_long_report_is_whole_on_a_pipe_that_does_not_block,
        a_pipe_that_nobody_reads_holds_nobody_for_ever,
    );
}
