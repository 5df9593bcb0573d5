//! Everything that ends the process, and what it must not end: exact words and status, in child
//! processes. Where Go has the case, the words are Go's.
//!
//! Without libtest: its first thread waits for the tests, a plain thread of which the runtime
//! cannot know that it will wake nobody. It would prevent every deadlock report.

#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

#[path = "support/bare.rs"]
mod bare;
#[path = "support/child.rs"]
mod child;

use std::process::Stdio;
use std::time::Duration;

use child::Ended;
use gosched::thread;
use gosched::{Builder, UncaughtPanic};

const LIMIT: Duration = Duration::from_secs(30);

/// SAFETY of all calls: nothing in these programs is tied to a thread.
fn run<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    // SAFETY: as above.
    unsafe { gosched::run(f) }
}

/// In the child the program; it exits with `status 77` if it comes to its end. In the parent,
/// how it ended.
fn ended(test: &str, program: impl FnOnce()) -> Option<Ended> {
    ended_with(test, &[], program)
}

fn ended_with(test: &str, env: &[(&str, &str)], program: impl FnOnce()) -> Option<Ended> {
    if child::role().is_some() {
        program();
        std::process::exit(77);
    }
    let mut command = child::again(test, "go");
    command.envs(env.iter().copied());
    Some(child::run(&mut command, LIMIT))
}

/// What the child wrote to stderr, without libtest's own words.
#[track_caller]
fn expect(ended: &Ended, status: i32, lines: &[&str]) {
    assert_eq!(ended.status, Some(status), "{ended}");
    let mut rest = ended.stderr.lines();
    for line in lines {
        assert!(
            rest.any(|l| matches(l, line)),
            "no {line:?}, in this order, in {ended}"
        );
    }
}

/// `...` in the pattern stands for anything.
fn matches(line: &str, pattern: &str) -> bool {
    let mut parts = pattern.split("...");
    let Some(mut rest) = parts.next().and_then(|p| line.strip_prefix(p)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

const DEADLOCK: &str = "fatal error: all goroutines are asleep - deadlock!";
const GOEXIT: &str = "fatal error: no goroutines (main called runtime.Goexit) - deadlock!";

fn main_parked_for_ever() {
    let Some(e) = ended("main_parked_for_ever", || run(thread::park)) else {
        return;
    };
    assert_eq!(e.status, Some(2), "{e}");
    let text = e.stderr.split_once("fatal error:").map(|(_, text)| text);
    let text = text.unwrap_or_else(|| panic!("{e}"));
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(" all goroutines are asleep - deadlock!"));
    assert_eq!(lines.next(), Some(""));
    assert_eq!(lines.next(), Some("goroutine 1 [park]:"));
    assert_eq!(lines.next(), Some("\tname: main"));
    // Where it stands: two lines for each frame.
    let mut lines =
        lines.skip_while(|line| line.starts_with("\tat ") || line.starts_with("\t   "));
    let at = lines.next().unwrap();
    assert!(matches(at, "\tcreated at tests/crash.rs:...:..."), "{e}");
    let stack = lines.next().unwrap();
    assert!(matches(stack, "\tstack: ... KiB of 8192"), "{e}");
    assert_eq!(lines.next(), None, "{e}");
}

/// The caller of `run` must have parked for a report: whichever of the two comes last.
fn deadlocks_at_once_and_later_are_reported_every_time() {
    for round in 0..20 {
        let Some(e) = ended(
            "deadlocks_at_once_and_later_are_reported_every_time",
            || {
                run(|| {
                    let h = thread::spawn(|| {
                        (0..3).for_each(|_| thread::yield_now());
                        thread::park();
                    });
                    let _never = h.join();
                });
            },
        ) else {
            return;
        };
        let join = &["goroutine ... [join]:", "\tname: main"];
        let park = &["goroutine ... [park]:"];
        expect(&e, 2, &[DEADLOCK]);
        assert!(
            join.iter()
                .chain(park)
                .all(|p| { e.stderr.lines().any(|l| matches(l, p)) }),
            "round {round}: {e}"
        );
    }
}

fn everything_of_ours_that_blocks_counts() {
    let Some(e) = ended("everything_of_ours_that_blocks_counts", || {
        run(|| {
            thread::Builder::new()
                .name("waiter".into())
                .spawn(|| {
                    let wg = gosched::sync::WaitGroup::new();
                    wg.add(1);
                    wg.wait();
                })
                .unwrap();
            let m = gosched::sync::Mutex::new(0);
            let _first = m.lock();
            let _second = m.lock();
        });
    }) else {
        return;
    };
    expect(&e, 2, &[DEADLOCK]);
    for words in [
        "goroutine 1 [sync.Mutex.Lock]:",
        "goroutine ... [sync.WaitGroup.Wait]:",
        "\tname: waiter",
        "\tcreated by goroutine 1 at tests/crash.rs:...",
    ] {
        assert!(
            e.stderr.lines().any(|l| matches(l, words)),
            "no {words:?}: {e}"
        );
    }
}

fn main_left_by_goexit_and_none_remains() {
    let Some(e) = ended("main_left_by_goexit_and_none_remains", || {
        run(|| {
            let done = thread::spawn(|| thread::sleep(Duration::from_millis(20)));
            drop(done);
            gosched::goexit();
        });
    }) else {
        return;
    };
    expect(&e, 2, &[GOEXIT]);
}

fn main_left_by_goexit_and_one_sleeps() {
    let Some(e) = ended("main_left_by_goexit_and_one_sleeps", || {
        run(|| {
            gosched::go(thread::park);
            gosched::goexit();
        });
    }) else {
        return;
    };
    expect(&e, 2, &[DEADLOCK, "goroutine ... [park]:"]);
}

/// Locked goroutines too. Go: TestLockedDeadlock, TestLockedDeadlock2.
fn locked_goroutines_deadlock_as_well() {
    let Some(e) = ended("locked_goroutines_deadlock_as_well", || {
        run(|| {
            gosched::lock_os_thread();
            gosched::go(|| {
                gosched::lock_os_thread();
                thread::park();
            });
            thread::park();
        });
    }) else {
        return;
    };
    expect(&e, 2, &[DEADLOCK]);
}

/// When the last timer has fired without helping, it is a deadlock; not before.
fn a_sleep_is_no_deadlock_until_it_is_over() {
    let Some(e) = ended("a_sleep_is_no_deadlock_until_it_is_over", || {
        run(|| {
            let h = thread::spawn(|| {
                thread::sleep(Duration::from_millis(100));
                eprintln!("slept");
            });
            h.join().unwrap();
            thread::park_timeout(Duration::from_millis(50));
            eprintln!("timed out");
            thread::park();
        });
    }) else {
        return;
    };
    expect(&e, 2, &["slept", "timed out", DEADLOCK]);
}

/// A plain thread that sleeps in the kernel may still wake somebody: no report.
fn a_plain_thread_that_will_unpark_prevents_the_report() {
    let Some(e) = ended(
        "a_plain_thread_that_will_unpark_prevents_the_report",
        || {
            run(|| {
                let main = thread::current();
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(300));
                    main.unpark();
                });
                thread::park();
            });
            let waits = std::thread::spawn(|| {
                std::thread::sleep(Duration::from_millis(100));
                run(|| thread::spawn(|| 7).join().unwrap())
            });
            assert_eq!(waits.join().unwrap(), 7);
        },
    ) else {
        return;
    };
    expect(&e, 77, &[]);
    assert!(!e.stderr.contains("deadlock"), "{e}");
}

/// It could have, and then it ended without having done so: somebody notices.
fn a_plain_thread_that_ends_without_unparking_does_not() {
    let Some(e) = ended(
        "a_plain_thread_that_ends_without_unparking_does_not",
        || {
            run(|| {
                for i in 0..3 {
                    std::thread::spawn(move || {
                        std::thread::sleep(Duration::from_millis(50 + i * 50));
                        eprintln!("thread {i} ends");
                    });
                }
                thread::park();
            });
        },
    ) else {
        return;
    };
    expect(&e, 2, &["thread 2 ends", DEADLOCK, "goroutine 1 [park]:"]);
}

/// Or it blocks for ever on something of ours.
fn a_plain_thread_that_parks_for_ever_does_not() {
    let Some(e) = ended("a_plain_thread_that_parks_for_ever_does_not", || {
        run(|| {
            std::thread::spawn(|| {
                std::thread::sleep(Duration::from_millis(50));
                thread::park_timeout(Duration::from_millis(50));
                eprintln!("parks");
                thread::park();
            });
            thread::park();
        });
    }) else {
        return;
    };
    expect(&e, 2, &["parks", DEADLOCK]);
}

/// Plain threads that keep waking each other, while all goroutines sleep, are no deadlock. It
/// would be reported for a thread that was seen asleep and then woken.
fn plain_threads_that_wake_each_other_are_alive() {
    let Some(e) = ended("plain_threads_that_wake_each_other_are_alive", || {
        run(|| {
            let main = thread::current();
            std::thread::spawn(move || {
                let ping = thread::current();
                let (tell, told) = std::sync::mpsc::channel();
                let pong = std::thread::spawn(move || {
                    tell.send(thread::current()).unwrap();
                    for _ in 0..30_000 {
                        thread::park();
                        ping.unpark();
                    }
                });
                let other = told.recv().unwrap();
                for _ in 0..30_000 {
                    other.unpark();
                    thread::park();
                }
                main.unpark();
                pong.join().unwrap();
            });
            thread::park();
        });
    }) else {
        return;
    };
    expect(&e, 77, &[]);
    assert!(!e.stderr.contains("deadlock"), "{e}");
}

/// Threads that come, wake somebody and go, while everything else sleeps; some wait with a time-out
/// first, some are woken first. Any false report ends the child.
fn short_lived_threads_that_unpark() {
    let Some(e) = ended("short_lived_threads_that_unpark", || {
        run(|| {
            for i in 0..3000_u64 {
                let main = thread::current();
                let them = std::thread::spawn(move || match i % 4 {
                    0 => main.unpark(),
                    1 => {
                        thread::park_timeout(Duration::from_micros(i % 50));
                        main.unpark();
                    }
                    2 => {
                        let me = thread::current();
                        gosched::go(move || {
                            thread::yield_now();
                            me.unpark();
                        });
                        thread::park();
                        main.unpark();
                    }
                    _ => {
                        let me = thread::current();
                        std::thread::spawn(move || me.unpark());
                        thread::park();
                        main.unpark();
                    }
                });
                thread::park();
                if i % 3 == 0 {
                    them.join().unwrap();
                }
            }
        });
    }) else {
        return;
    };
    expect(&e, 77, &[]);
    assert!(!e.stderr.contains("deadlock"), "{e}");
}

/// With no `run` waiting nobody is interested.
fn a_deadlock_in_the_background_is_not_reported() {
    let Some(e) = ended("a_deadlock_in_the_background_is_not_reported", || {
        run(|| gosched::go(thread::park));
        std::thread::sleep(Duration::from_millis(200));
    }) else {
        return;
    };
    expect(&e, 77, &[]);
}

fn an_uncaught_panic_in_go() {
    let Some(e) = ended("an_uncaught_panic_in_go", || {
        run(|| {
            gosched::go(|| panic!("oh {}", "no"));
            thread::park();
        });
    }) else {
        return;
    };
    expect(
        &e,
        2,
        &[
            "goroutine ... (started at tests/crash.rs:...) panicked at tests/crash.rs:...:",
            "oh no",
            "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
            "panic: oh no",
            "",
            "goroutine ... [running]:",
            "\tcreated by goroutine 1 at tests/crash.rs:...",
        ],
    );
}

/// Many at once: one report, whole. Go: TestConcurrentMapWritesIssue69447.
fn many_uncaught_panics_make_one_report() {
    for _ in 0..10 {
        let Some(e) = ended("many_uncaught_panics_make_one_report", || {
            // SAFETY: nothing is tied to a thread.
            unsafe {
                Builder::new().procs(4).run(|| {
                    for _ in 0..50 {
                        gosched::go(|| std::panic::resume_unwind(Box::new("many")));
                    }
                    thread::park();
                });
            }
        }) else {
            return;
        };
        assert_eq!(e.status, Some(2), "{e}");
        assert_eq!(e.stderr.matches("panic: many\n\n").count(), 1, "{e}");
        let report = e.stderr.split("panic: many\n\n").nth(1).unwrap();
        assert_eq!(report.matches("[running]").count(), 1, "{e}");
    }
}

fn an_uncaught_panic_may_only_print() {
    let Some(e) = ended("an_uncaught_panic_may_only_print", || {
        let builder = Builder::new().uncaught_panic(UncaughtPanic::Print);
        // SAFETY: nothing is tied to a thread.
        unsafe {
            builder.run(|| {
                gosched::go(|| panic!("only printed"));
                while gosched::num_goroutine() > 1 {
                    thread::yield_now();
                }
                eprintln!("main goes on");
            });
        }
    }) else {
        return;
    };
    expect(&e, 77, &["only printed", "main goes on"]);
    assert!(!e.stderr.contains("panic: only printed"), "{e}");
}

fn a_panic_names_its_goroutine() {
    let Some(e) = ended("a_panic_names_its_goroutine", || {
        run(|| {
            let named = thread::Builder::new().name("Ω worker".into());
            let h = named.spawn(|| panic!("named")).unwrap();
            assert!(h.join().is_err());
        });
    }) else {
        return;
    };
    expect(
        &e,
        77,
        &[
            "goroutine ... 'Ω worker' (started at tests/crash.rs:...) panicked at tests/crash.rs:...:",
            "named",
        ],
    );
}

fn a_panic_in_main_goes_to_the_caller() {
    let Some(e) = ended("a_panic_in_main_goes_to_the_caller", || {
        run(|| panic!("main's own"));
    }) else {
        return;
    };
    // libtest reports a failed test with 101, as a panicking main does.
    expect(
        &e,
        101,
        &[
            "goroutine 1 'main' (...) panicked at tests/crash.rs:...:",
            "main's own",
        ],
    );
    assert!(!e.stderr.contains("fatal error"), "{e}");
}

#[inline(never)]
fn innermost() {
    panic!("deep down");
}

fn a_backtrace_is_complete() {
    let env = [("RUST_BACKTRACE", "1")];
    let Some(e) = ended_with("a_backtrace_is_complete", &env, || {
        run(|| {
            let middle = || {
                innermost();
                std::hint::black_box(0);
            };
            let h = thread::spawn(move || {
                middle();
                std::hint::black_box(0);
            });
            assert!(h.join().is_err());
        });
    }) else {
        return;
    };
    expect(
        &e,
        77,
        &[
            "deep down",
            "stack backtrace:",
            "...crash::innermost...",
            "...crash::a_backtrace_is_complete::...",
            "...gosched::core::g::context::prepare...",
        ],
    );
}

fn a_stack_overflow_names_the_goroutine() {
    let Some(e) = ended("a_stack_overflow_names_the_goroutine", || {
        #[inline(never)]
        #[allow(unconditional_recursion, reason = "that is the test")]
        fn for_ever(n: u64) -> u64 {
            let pad = std::hint::black_box([n; 32]);
            for_ever(n + 1) + pad[3]
        }
        run(|| {
            let deep = thread::Builder::new().name("too deep".into());
            let _bystander = bystander();
            let h = deep.spawn(|| for_ever(0)).unwrap();
            let _ = h.join();
        });
    }) else {
        return;
    };
    expect(
        &e,
        2,
        &[
            "runtime: goroutine stack exceeds 262144-byte limit",
            "runtime: sp=0x... stack=[0x..., 0x...]",
            "fatal error: stack overflow",
            "",
            "goroutine ... [running]:",
            "\tname: too deep",
            "\tcreated by goroutine 1 at tests/crash.rs:...",
            "goroutine 1 [join]:",
            "goroutine ... [chan receive]:",
            "\tname: bystander",
            "\t   tests/crash.rs:...",
        ],
    );
    assert_eq!(e.stderr.matches("too deep").count(), 1, "{e}");
}

/// A goroutine that waits, and the sender that it waits for.
fn bystander() -> gosched::channel::Sender<()> {
    let (send, recv) = gosched::channel::bounded(0);
    let builder = thread::Builder::new().name("bystander".into());
    builder.spawn(move || recv.recv()).unwrap();
    while !gosched::goroutines()
        .iter()
        .any(|g| g.name.as_deref() == Some("bystander") && g.wait_reason.is_some())
    {
        thread::yield_now();
    }
    send
}

fn too_many_threads() {
    let Some(e) = ended("too_many_threads", || {
        // SAFETY: nothing is tied to a thread.
        unsafe {
            Builder::new().procs(4).max_threads(10).run(|| {
                for _ in 0..100 {
                    gosched::go(|| {
                        gosched::lock_os_thread();
                        thread::park();
                    });
                }
                thread::sleep(Duration::from_secs(20));
            });
        }
    }) else {
        return;
    };
    expect(
        &e,
        2,
        &[
            "runtime: program exceeds 10-thread limit",
            "fatal error: thread exhaustion",
        ],
    );
}

fn go_before_run() {
    let Some(e) = ended("go_before_run", || gosched::go(|| ())) else {
        return;
    };
    expect(
        &e,
        101,
        &[
            "...panicked at tests/crash.rs:...",
            "the gosched runtime has not been started: enter it with `unsafe { gosched::run(|| ...) }` first",
        ],
    );
}

fn spawn_and_gomaxprocs_before_run() {
    let Some(e) = ended("spawn_and_gomaxprocs_before_run", || {
        for call in [
            || drop(thread::spawn(|| ())),
            || assert_eq!(gosched::gomaxprocs(2), 0),
            || thread::scope(|s| drop(s.spawn(|| ()))),
        ] {
            assert!(std::panic::catch_unwind(call).is_err());
        }
        // What does not need it works: a token, a name, a count.
        thread::current().unpark();
        thread::park();
        assert_eq!(gosched::num_goroutine(), 0);
        gosched::dump();
    }) else {
        return;
    };
    expect(&e, 77, &[]);
    assert_eq!(e.stderr.matches("has not been started").count(), 3, "{e}");
    assert_eq!(
        e.stderr.matches("panicked at tests/crash.rs").count(),
        3,
        "{e}"
    );
}

fn a_bad_number_of_ps() {
    let env = [("GOMAXPROCS", "lots")];
    let Some(e) = ended_with("a_bad_number_of_ps", &env, || {
        assert!(std::panic::catch_unwind(|| run(|| ())).is_err());
        // Nothing was started, so a second try may do better.
        // SAFETY: nothing is tied to a thread.
        let n = unsafe { Builder::new().procs(3).run(|| gosched::gomaxprocs(0)) };
        assert_eq!(n, 3);
    }) else {
        return;
    };
    expect(
        &e,
        77,
        &["GOMAXPROCS=lots: want a whole number from 1 to 1024"],
    );
}

fn the_variable_counts_unless_the_builder_says_more() {
    let env = [("GOMAXPROCS", "7")];
    let test = "the_variable_counts_unless_the_builder_says_more";
    let Some(e) = ended_with(test, &env, || {
        assert_eq!(run(|| gosched::gomaxprocs(0)), 7);
    }) else {
        return;
    };
    expect(&e, 77, &[]);
}

/// Go: TestBigGOMAXPROCS.
fn a_thousand_ps_from_the_start() {
    let env = [("GOMAXPROCS", "1024")];
    let Some(e) = ended_with("a_thousand_ps_from_the_start", &env, || {
        let n: usize = run(|| {
            let handles: Vec<_> = (0..3000).map(|i| thread::spawn(move || i % 2)).collect();
            handles.into_iter().map(|h| h.join().unwrap()).sum()
        });
        assert_eq!(n, 1500);
    }) else {
        return;
    };
    expect(&e, 77, &[]);
}

/// A panic's words have nowhere to go, and the status is right all the same.
fn closed_streams() {
    if child::role().is_some() {
        run(|| {
            let h = thread::spawn(|| panic!("into the void"));
            assert!(h.join().is_err());
            gosched::go(|| panic!("into the void as well"));
            thread::park();
        });
    }
    for how in [
        "<&- >&- 2>&-",
        "2>&-",
        "</dev/null >/dev/full 2>/dev/full",
        "2> >(:)",
    ] {
        let exe = std::env::current_exe().unwrap();
        let script = format!(
            "exec {} closed_streams --exact --nocapture --include-ignored --test-threads=1 {how}",
            exe.display()
        );
        let mut shell = std::process::Command::new("bash");
        shell
            .args(["-c", &script])
            .env("GOSCHED_CHILD", "go")
            .env_remove("RUST_BACKTRACE")
            .stdout(Stdio::null());
        let e = child::run(&mut shell, LIMIT);
        assert_eq!(e.status, Some(2), "{how}: {e}");
    }
}

/// A result whose destructor panics, with nobody to join: no way out but the end.
fn a_result_that_panics_when_it_is_dropped() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("boom");
        }
    }
    let Some(e) = ended("a_result_that_panics_when_it_is_dropped", || {
        run(|| {
            let _bystander = bystander();
            drop(thread::spawn(|| Bomb));
            thread::park();
        });
    }) else {
        return;
    };
    expect(
        &e,
        2,
        &[
            "boom",
            "fatal error: the result of a goroutine panicked when it was dropped",
            "goroutine ... [chan receive]:",
            "\tname: bystander",
            "\t   tests/crash.rs:...",
        ],
    );
}

/// A goroutine that ends locked takes its thread with it; the thread-locals' destructors run, and
/// may use what is ours.
fn destructors_of_a_locked_thread_may_use_the_runtime() {
    struct Uses;
    impl Drop for Uses {
        fn drop(&mut self) {
            assert_eq!(thread::spawn(|| 5).join().unwrap(), 5);
            eprintln!("destructor ran");
        }
    }
    thread_local! {
        static USES: std::cell::RefCell<Option<Uses>> = const { std::cell::RefCell::new(None) };
    }
    let Some(e) = ended("destructors_of_a_locked_thread_may_use_the_runtime", || {
        run(|| {
            let h = thread::spawn(|| {
                gosched::lock_os_thread();
                USES.set(Some(Uses));
            });
            h.join().unwrap();
            thread::sleep(Duration::from_millis(200));
            thread::park(); // all the same, a deadlock
        });
    }) else {
        return;
    };
    expect(&e, 2, &["destructor ran", DEADLOCK]);
}

/// All asleep means asleep: no thread of the process wakes up, not even the watcher of a plain
/// thread that prevents the deadlock report.
fn idle_means_idle() {
    let Some(e) = ended("idle_means_idle", || {
        // SAFETY: nothing is tied to a thread.
        unsafe {
            Builder::new().procs(4).run(|| {
                let handles: Vec<_> = (0..100)
                    .map(|_| thread::spawn(|| (0..100).for_each(|_| thread::yield_now())))
                    .collect();
                handles.into_iter().for_each(|h| h.join().unwrap());
                let main = thread::current();
                std::thread::spawn(move || {
                    // sysmon falls asleep after some rounds, the watcher comes and looks once.
                    std::thread::sleep(Duration::from_millis(1500));
                    let before = switches();
                    std::thread::sleep(Duration::from_secs(1));
                    let after = switches();
                    println!("switches: {before:?} {after:?}");
                    assert!(before.len() >= 6, "{before:?}");
                    for (thread, n) in &after {
                        let was = before.iter().find(|(t, _)| t == thread).map_or(0, |x| x.1);
                        // This thread's own sleep is one.
                        let own = u64::from(*thread == own_id());
                        assert_eq!(*n, was + own, "{thread} woke up: {before:?} {after:?}");
                    }
                    println!("nobody woke up");
                    main.unpark();
                });
                thread::park();
            });
        }
    }) else {
        return;
    };
    assert_eq!(e.status, Some(77), "{e}");
    assert!(e.stdout.contains("nobody woke up"), "{e}");
}

fn own_id() -> String {
    let me = std::fs::read_link("/proc/thread-self").unwrap();
    me.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Voluntary context switches of every thread, by its id.
fn switches() -> Vec<(String, u64)> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .map(|task| {
            let path = task.unwrap().path();
            let status = std::fs::read_to_string(path.join("status")).unwrap();
            let n = status
                .lines()
                .find_map(|l| l.strip_prefix("voluntary_ctxt_switches:"))
                .unwrap();
            let id = path.file_name().unwrap().to_str().unwrap().to_owned();
            (id, n.trim().parse().unwrap())
        })
        .collect()
}

fn main() {
    bare::main(&[
        ("main_parked_for_ever", main_parked_for_ever),
        (
            "deadlocks_at_once_and_later_are_reported_every_time",
            deadlocks_at_once_and_later_are_reported_every_time,
        ),
        (
            "everything_of_ours_that_blocks_counts",
            everything_of_ours_that_blocks_counts,
        ),
        (
            "main_left_by_goexit_and_none_remains",
            main_left_by_goexit_and_none_remains,
        ),
        (
            "main_left_by_goexit_and_one_sleeps",
            main_left_by_goexit_and_one_sleeps,
        ),
        (
            "locked_goroutines_deadlock_as_well",
            locked_goroutines_deadlock_as_well,
        ),
        (
            "a_sleep_is_no_deadlock_until_it_is_over",
            a_sleep_is_no_deadlock_until_it_is_over,
        ),
        (
            "a_plain_thread_that_will_unpark_prevents_the_report",
            a_plain_thread_that_will_unpark_prevents_the_report,
        ),
        (
            "a_plain_thread_that_ends_without_unparking_does_not",
            a_plain_thread_that_ends_without_unparking_does_not,
        ),
        (
            "a_plain_thread_that_parks_for_ever_does_not",
            a_plain_thread_that_parks_for_ever_does_not,
        ),
        (
            "plain_threads_that_wake_each_other_are_alive",
            plain_threads_that_wake_each_other_are_alive,
        ),
        (
            "short_lived_threads_that_unpark",
            short_lived_threads_that_unpark,
        ),
        (
            "a_deadlock_in_the_background_is_not_reported",
            a_deadlock_in_the_background_is_not_reported,
        ),
        ("an_uncaught_panic_in_go", an_uncaught_panic_in_go),
        (
            "many_uncaught_panics_make_one_report",
            many_uncaught_panics_make_one_report,
        ),
        (
            "an_uncaught_panic_may_only_print",
            an_uncaught_panic_may_only_print,
        ),
        ("a_panic_names_its_goroutine", a_panic_names_its_goroutine),
        (
            "a_panic_in_main_goes_to_the_caller",
            a_panic_in_main_goes_to_the_caller,
        ),
        ("a_backtrace_is_complete", a_backtrace_is_complete),
        (
            "a_stack_overflow_names_the_goroutine",
            a_stack_overflow_names_the_goroutine,
        ),
        ("too_many_threads", too_many_threads),
        ("go_before_run", go_before_run),
        (
            "spawn_and_gomaxprocs_before_run",
            spawn_and_gomaxprocs_before_run,
        ),
        ("a_bad_number_of_ps", a_bad_number_of_ps),
        (
            "the_variable_counts_unless_the_builder_says_more",
            the_variable_counts_unless_the_builder_says_more,
        ),
        ("a_thousand_ps_from_the_start", a_thousand_ps_from_the_start),
        ("closed_streams", closed_streams),
        (
            "a_result_that_panics_when_it_is_dropped",
            a_result_that_panics_when_it_is_dropped,
        ),
        (
            "destructors_of_a_locked_thread_may_use_the_runtime",
            destructors_of_a_locked_thread_may_use_the_runtime,
        ),
        ("idle_means_idle", idle_means_idle),
    ]);
}
