//! Programs that use the crate badly, or are treated badly, in child processes: each ends with
//! clear words and the status that std or Go has for it, and none hangs. See also `crash.rs`.
#![allow(
    unsafe_code,
    reason = "gosched::run is the unsafe door; signals are libc's"
)]

mod support;
#[path = "support/limits.rs"]
mod limits;

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write, stdout};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use gosched::channel::{Sender, after, bounded};
use gosched::sync::{Mutex, WaitGroup};
use gosched::thread::{self, spawn, yield_now};
use gosched::{Builder, go, goexit};
use limits::limit;
use support::child::{self, Ended};

const LIMIT: Duration = Duration::from_secs(60);
const MS: Duration = Duration::from_millis(1);

fn run<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    // SAFETY: nothing in these programs is tied to a thread.
    unsafe { gosched::run(f) }
}

fn hog() {
    loop {
        std::hint::spin_loop();
    }
}

/// In the child the program, which exits with status 77 if it comes to its end; in the parent
/// how it ended.
fn ended(test: &str, program: impl FnOnce()) -> Option<Ended> {
    one_of(test, "go", program)
}

/// As [`ended`], where a test has several programs.
fn one_of(test: &str, role: &str, program: impl FnOnce()) -> Option<Ended> {
    match child::role() {
        None => Some(child::run(&mut child::again(test, role), LIMIT)),
        Some(mine) if mine == role => {
            program();
            let _ = stdout().flush();
            std::process::exit(77)
        }
        Some(_) => None,
    }
}

#[track_caller]
fn expect(e: &Ended, status: i32, words: &str) {
    assert_eq!(e.status, Some(status), "{e}");
    assert!(
        format!("{}{}", e.stdout, e.stderr).contains(words),
        "no {words:?}: {e}"
    );
}

#[test]
fn before_the_first_run() {
    const TEST: &str = "before_the_first_run";
    let words = "the gosched runtime has not been started";
    let refused: [(&str, fn()); 6] = [
        ("go", || go(|| ())),
        ("spawn", || drop(spawn(|| ()))),
        ("scope", || thread::scope(|s| drop(s.spawn(|| ())))),
        ("after_func", || drop(gosched::time::after_func(MS, || ()))),
        ("deadline", || {
            drop(gosched::context::with_timeout(
                &gosched::context::background(),
                MS,
            ));
        }),
        ("gomaxprocs", || {
            let _ = gosched::gomaxprocs(2);
        }),
    ];
    for (role, program) in refused {
        if let Some(e) = one_of(TEST, role, program) {
            expect(&e, 101, words);
            assert!(
                e.stderr.contains("tests/misuse.rs:"),
                "the caller's line: {e}"
            );
        }
    }
    if let Some(e) = one_of(TEST, "goexit", || goexit()) {
        expect(&e, 101, "goexit called outside of a goroutine");
    }
    // What needs no goroutine works.
    let works = one_of(TEST, "works", || {
        thread::sleep(MS);
        yield_now();
        thread::scope(|_| ());
        let (s, r) = bounded(1);
        s.send(1).unwrap();
        assert_eq!((r.recv(), after(MS).recv().is_ok()), (Ok(1), true));
        gosched::dump();
        assert_eq!((gosched::trim(), gosched::num_goroutine()), (0, 0));
    });
    if let Some(e) = works {
        assert_eq!(e.status, Some(77), "{e}");
    }
}

#[test]
fn settings_that_cannot_be() {
    const TEST: &str = "settings_that_cannot_be";
    type Wrong = (&'static str, fn() -> Builder, i32, &'static str);
    let wrong: [Wrong; 4] = [
        (
            "procs0",
            || Builder::new().procs(0),
            101,
            "want a number from 1 to 1024",
        ),
        (
            "procs",
            || Builder::new().procs(1025),
            101,
            "want a number from 1 to 1024",
        ),
        (
            "stack",
            || Builder::new().stack_size(usize::MAX),
            101,
            "is too large: the limit is",
        ),
        (
            "threads0",
            || Builder::new().max_threads(0),
            2,
            "program exceeds 0-thread limit",
        ),
    ];
    for (role, builder, status, words) in wrong {
        // SAFETY: nothing in here is tied to a thread.
        if let Some(e) = one_of(TEST, role, || unsafe { builder().run(|| ()) }) {
            expect(&e, status, words);
        }
    }
    let mended = one_of(TEST, "mended", || {
        // SAFETY: nothing in here is tied to a thread.
        let refused =
            std::panic::catch_unwind(|| unsafe { Builder::new().procs(0).run(|| ()) });
        assert!(refused.is_err());
        run(|| println!("and the next one runs"));
    });
    if let Some(e) = mended {
        expect(&e, 77, "and the next one runs");
    }
}

/// One line, once, with both places; and only when something was asked for that is not so.
#[test]
fn settings_that_come_too_late() {
    const TEST: &str = "settings_that_come_too_late";
    const HEAD: &str = "gosched: `run` at tests/misuse.rs:";
    // SAFETY: nothing in here is tied to a thread.
    let enter = |builder: Builder| unsafe { builder.run(|| ()) };
    let late = one_of(TEST, "late", || {
        enter(Builder::new().procs(2).stack_size(1 << 20));
        enter(Builder::new().procs(2).async_preempt(true).max_threads(7));
        enter(Builder::new().procs(3));
    });
    if let Some(e) = late {
        expect(
            &e,
            77,
            " asks for max_threads, async_preempt, but the runtime",
        );
        assert_eq!(e.stderr.matches(HEAD).count(), 1, "{e}");
        assert_eq!(e.stderr.matches("tests/misuse.rs:").count(), 2, "{e}");
    }
    let in_time = one_of(TEST, "in_time", || {
        enter(Builder::new().procs(2).stack_size(1 << 20));
        enter(Builder::new().stack_size(1 << 20));
        enter(Builder::new());
        run(|| run(|| enter(Builder::new().procs(2))));
    });
    if let Some(e) = in_time {
        expect(&e, 77, "");
        assert_eq!(e.stderr, "");
    }
}

#[test]
fn the_process_ends_whatever_goroutines_do() {
    const TEST: &str = "the_process_ends_whatever_goroutines_do";
    let from_many = one_of(TEST, "from_many", || {
        run(|| {
            (0..100).for_each(|_| go(|| std::process::exit(5)));
            thread::park();
        });
    });
    let abort = one_of(TEST, "abort", || {
        run(|| {
            go(|| std::process::abort());
            thread::park();
        });
    });
    let busy = one_of(TEST, "busy", || {
        run(|| {
            (0..4).for_each(|_| go(hog));
            (0..50).for_each(|_| {
                go(|| {
                    loop {
                        print!("{}", String::new());
                        drop(std::hint::black_box(vec![1]));
                        yield_now();
                    }
                });
            });
            (0..50).for_each(|_| go(|| thread::sleep(Duration::MAX)));
            thread::sleep(20 * MS);
        });
    });
    let at_exit = one_of(TEST, "at_exit", || {
        extern "C" fn late() {
            println!("late {}", run(|| spawn(|| 3).join().unwrap()));
        }
        // SAFETY: a function without arguments.
        assert_eq!(unsafe { libc::atexit(late) }, 0);
        run(|| {
            go(|| std::process::exit(4));
            thread::park();
        });
    });
    if let (Some(from_many), Some(abort), Some(busy), Some(at_exit)) =
        (from_many, abort, busy, at_exit)
    {
        assert_eq!(from_many.status, Some(5), "{from_many}");
        assert_eq!(abort.signal, Some(libc::SIGABRT), "{abort}");
        assert_eq!(busy.status, Some(77), "{busy}");
        expect(&at_exit, 4, "late 3");
    }
}

/// A destructor of a thread-local that waits, spawns and locks: on a plain thread, and on one
/// that ends with its locked goroutine.
#[test]
fn destructors_of_thread_locals() {
    struct Last(Sender<i32>, Arc<Mutex<i32>>, Arc<WaitGroup>);
    impl Drop for Last {
        fn drop(&mut self) {
            *self.1.lock().unwrap() += 1;
            thread::sleep(MS);
            self.0.send(spawn(|| 20).join().unwrap()).unwrap();
            *self.1.lock().unwrap() += run(|| spawn(|| 3).join().unwrap());
            self.2.done();
        }
    }
    thread_local!(static LAST: RefCell<Option<Last>> = const { RefCell::new(None) });
    let e = ended("destructors_of_thread_locals", || {
        run(|| {
            let ((s, r), lock, all) = (bounded(0), Arc::default(), Arc::new(WaitGroup::new()));
            let last = || Last(s.clone(), Arc::clone(&lock), Arc::clone(&all));
            all.add(2);
            let (on_a_thread, on_an_m) = (last(), last());
            std::thread::spawn(|| LAST.set(Some(on_a_thread)));
            let locked = move || {
                gosched::lock_os_thread();
                LAST.set(Some(on_an_m));
            };
            spawn(locked).join().unwrap();
            println!("{}", r.recv().unwrap() + r.recv().unwrap());
            all.wait();
            println!("{}", lock.lock().unwrap());
        });
    });
    if let Some(e) = e {
        expect(&e, 77, "40\n8\n");
    }
}

/// As std: a value that panics when it is dropped where nobody is ends the process.
#[test]
fn panics_that_cannot_go_on() {
    const TEST: &str = "panics_that_cannot_go_on";
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("bomb")
        }
    }
    let twice = one_of(TEST, "twice", || {
        run(|| {
            spawn(|| {
                let _bomb = Bomb;
                panic!("first");
            })
            .join()
            .unwrap_err()
        });
    });
    let result = one_of(TEST, "result", || {
        run(|| {
            drop(spawn(|| Bomb));
            thread::park();
        });
    });
    let goexit_in_a_panic = one_of(TEST, "goexit", || {
        struct Exit;
        impl Drop for Exit {
            fn drop(&mut self) {
                goexit()
            }
        }
        run(|| {
            spawn(|| {
                let _exit = Exit;
                panic!("first");
            })
            .join()
            .unwrap_err()
        });
    });
    if let (Some(twice), Some(result), Some(goexit)) = (twice, result, goexit_in_a_panic) {
        for e in [twice, goexit] {
            assert_eq!(e.signal, Some(libc::SIGABRT), "{e}");
            assert!(
                e.stderr.contains("panic in a destructor during cleanup"),
                "{e}"
            );
        }
        expect(
            &result,
            2,
            "the result of a goroutine panicked when it was dropped",
        );
    }
}

/// Nobody reads what it prints: `println!` panics, as in std, and `join` has the panic.
#[test]
fn standard_output_is_closed() {
    if child::role().is_some() {
        run(|| {
            let prints = || (0..1_000_000).for_each(|n| println!("{n}"));
            let first = spawn(prints).join();
            let second = spawn(|| println!("again")).join();
            assert!(first.is_err() && second.is_err());
        });
        std::process::exit(78);
    }
    let mut command: Command = child::again("standard_output_is_closed", "go");
    let piped = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "5"), "it printed nothing");
    drop(lines);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(
        said.contains("failed printing to stdout: Broken pipe"),
        "{said}"
    );
}

#[test]
fn signals() {
    const TEST: &str = "signals";
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn count(_: i32) {
        COUNT.fetch_add(1, Relaxed);
    }
    fn kill(signal: i32) {
        let me = std::process::id() as libc::pid_t;
        // SAFETY: a signal to this process.
        unsafe { libc::kill(me, signal) };
    }
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let e = one_of(TEST, &signal.to_string(), || {
            run(|| {
                go(hog);
                thread::sleep(20 * MS);
                kill(signal);
                thread::park_timeout(LIMIT / 2);
            });
        });
        if let Some(e) = e {
            assert_eq!(e.signal, Some(signal), "{e}");
        }
    }
    // A program's own handler, and SIGURG by the thousand from elsewhere.
    let stormy = one_of(TEST, "stormy", || {
        // SAFETY: the handler only counts.
        unsafe { libc::signal(libc::SIGUSR1, count as *const () as libc::sighandler_t) };
        run(|| {
            let end = Instant::now() + 300 * MS;
            // It ends before the process does: `exit` takes the main thread's signal stack away,
            // whoever calls it, and no handler could run there any more.
            let storm = std::thread::spawn(move || {
                while Instant::now() < end || COUNT.load(Relaxed) <= 10 {
                    kill(libc::SIGUSR1);
                    kill(libc::SIGURG);
                }
            });
            let tasks: Vec<_> = (0..8)
                .map(|i| {
                    spawn(move || {
                        while Instant::now() < end || COUNT.load(Relaxed) <= 10 {
                            match i % 3 {
                                0 => yield_now(),
                                1 => thread::sleep(MS / 10),
                                _ => drop(std::hint::black_box(vec![i])),
                            }
                        }
                    })
                })
                .collect();
            tasks.into_iter().for_each(|task| task.join().unwrap());
            gosched::blocking(|| storm.join()).unwrap();
        });
        println!("handled: {}", COUNT.load(Relaxed) > 10);
    });
    if let Some(e) = stormy {
        expect(&e, 77, "handled: true");
    }
}

/// No descriptors left, little memory: it runs, or says what is missing.
#[test]
fn a_poor_system() {
    const TEST: &str = "a_poor_system";
    let program = || {
        run(|| {
            let tasks: Vec<_> = (0..50)
                .map(|i| spawn(move || std::thread::sleep(i % 3 * MS)))
                .collect();
            tasks.into_iter().for_each(|task| task.join().unwrap());
            println!("ran");
        });
    };
    let files = one_of(TEST, "files", || {
        limit(libc::RLIMIT_NOFILE, 3);
        program();
    });
    let memory = one_of(TEST, "memory", || {
        limit(libc::RLIMIT_AS, 100 << 20);
        program();
    });
    if let (Some(files), Some(memory)) = (files, memory) {
        expect(&files, 77, "ran");
        let said = memory.stderr.contains("memory") || memory.stdout.contains("ran");
        assert!(said && !memory.timed_out, "{memory}");
    }
}
