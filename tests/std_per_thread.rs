//! What std keeps for each thread, and what becomes of a goroutine that uses it before and after
//! it has changed threads: one test for each row of the table in `docs/thread-locals.md`.
#![allow(
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "some break the contract of run, to show what happens"
)]
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "each test uses its part"
)]

#[path = "support/child.rs"]
mod child;

#[path = "tls-cases/src/migrate.rs"]
mod migrate;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, Once, OnceLock, mpsc};
use std::time::{Duration, Instant};

use migrate::{MOVED, migrate, tid};

const LIMIT: Duration = Duration::from_secs(120);
/// What a child that hangs is given.
const HANGS: Duration = Duration::from_secs(3);

/// Runs `body` as a goroutine in a process of its own, which is to end well.
#[track_caller]
fn in_child(test: &str, body: impl FnOnce() + Send) {
    if child::role().is_some() {
        // SAFETY: a test of what happens without the promise; or nothing tied is kept.
        return unsafe { gosched::Builder::new().procs(2).run(body) };
    }
    let ended = child::run(&mut child::again(test, "run"), LIMIT);
    assert_eq!(ended.status, Some(0), "{ended}");
}

/// Changes threads for certain: nothing of a thread's is on the caller's stack.
#[track_caller]
fn moves() {
    assert!(tries_to_move(), "the guard keeps it");
}

/// Changes threads, unless std's code, inlined into the caller, has left the address of a
/// thread-local in its frame: that depends on the build (debug, `codegen-units`, `lto`). The guard
/// keeps the goroutine then, and there is nothing to show: the process ends.
fn moves_or_ends() {
    if !tries_to_move() {
        println!("kept");
        std::process::exit(0);
    }
}

#[track_caller]
fn tries_to_move() -> bool {
    let (before, moved) = (tid(), MOVED.load(Relaxed));
    for _ in 0..50 {
        migrate();
        if MOVED.load(Relaxed) != moved {
            assert_ne!(tid(), before);
            return true;
        }
    }
    false
}

fn until(mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < end, "waited in vain");
        std::thread::yield_now();
    }
}

/// Is the thread asleep in the kernel?
fn sleeps(tid: i64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{tid}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    rest.starts_with('S')
}

/// `CURRENT`, `ID`: a handle, an id and a name are those of the thread.
#[test]
fn a_handle_of_std_is_the_old_threads() {
    in_child("a_handle_of_std_is_the_old_threads", || {
        let (std_id, ours) = (std::thread::current().id(), gosched::thread::current().id());
        moves();
        assert_ne!(std::thread::current().id(), std_id);
        assert_eq!(gosched::thread::current().id(), ours);
    });
}

/// `CURRENT`: an unpark goes to the thread that the handle was taken on, and its token stays there.
#[test]
fn a_token_of_std_is_the_old_threads() {
    in_child("a_token_of_std_is_the_old_threads", || {
        let me = std::thread::current();
        moves();
        me.unpark();
        let start = Instant::now();
        std::thread::park_timeout(Duration::from_millis(50));
        assert!(
            start.elapsed() >= Duration::from_millis(50),
            "it had the token"
        );
        // The twin's follows the goroutine.
        let me = gosched::thread::current();
        moves();
        me.unpark();
        gosched::thread::park();
    });
}

/// `CURRENT`: the last thread of a `std::thread::scope` unparks the thread on which it began.
#[test]
fn a_scope_of_std_sleeps_on_another_thread() {
    static SLEEPER: OnceLock<(i64, std::thread::Thread)> = OnceLock::new();
    static RETURNED: AtomicBool = AtomicBool::new(false);
    in_child("a_scope_of_std_sleeps_on_another_thread", || {
        let first = tid();
        std::thread::scope(|s| {
            s.spawn(|| {
                // Ends for the scope when the goroutine sleeps at its end, not in some lock.
                let mut since = Instant::now();
                until(|| {
                    if !SLEEPER.get().is_some_and(|(tid, _)| sleeps(*tid)) {
                        since = Instant::now();
                    }
                    since.elapsed() > Duration::from_millis(200)
                });
                std::thread::spawn(|| {
                    // Nobody else wakes it, however long we wait.
                    std::thread::sleep(Duration::from_millis(500));
                    assert!(!RETURNED.load(Acquire), "it came back: the docs are wrong");
                    SLEEPER.get().unwrap().1.unpark();
                    until(|| RETURNED.load(Acquire));
                });
            });
            moves_or_ends();
            SLEEPER.set((tid(), std::thread::current())).unwrap();
        });
        RETURNED.store(true, Release);
        assert_ne!(tid(), first);
    });
}

/// The same with our twin, and with std's on a goroutine that keeps its thread.
#[test]
fn a_scope_of_ours_may_wait_anywhere() {
    in_child("a_scope_of_ours_may_wait_anywhere", || {
        let ran = AtomicU32::new(0);
        for _ in 0..20 {
            gosched::thread::scope(|s| {
                s.spawn(|| {
                    moves();
                    ran.fetch_add(1, Relaxed);
                });
                moves();
            });
        }
        gosched::lock_os_thread();
        for _ in 0..20 {
            std::thread::scope(|s| {
                s.spawn(|| ran.fetch_add(1, Relaxed));
                gosched::thread::yield_now();
            });
        }
        gosched::unlock_os_thread();
        assert_eq!(ran.load(Relaxed), 40);
    });
}

/// `ReentrantLock` goes by `ID`: who prints with stdout locked, on another thread, waits for itself.
#[test]
fn a_locked_stdout_is_the_old_threads() {
    let test = "a_locked_stdout_is_the_old_threads";
    match child::role().as_deref() {
        None => (),
        Some(role) => {
            let body = || {
                let guard = (role == "held").then(|| std::io::stdout().lock());
                moves();
                println!("printed");
                drop(guard);
            };
            // SAFETY: the test shows what happens without the promise.
            return unsafe { gosched::Builder::new().procs(2).run(body) };
        }
    }
    let ended = child::run(&mut child::again(test, "free"), LIMIT);
    assert!(ended.stdout.contains("printed"), "{ended}");
    let ended = child::run(&mut child::again(test, "held"), HANGS);
    assert!(
        ended.timed_out && !ended.stdout.contains("printed"),
        "{ended}"
    );
}

/// `LOCAL_PANIC_COUNT`: the guard keeps a goroutine that suspends while it is panicking.
#[test]
fn a_panicking_goroutine_keeps_its_thread() {
    struct Suspends(i64);
    impl Drop for Suspends {
        fn drop(&mut self) {
            for _ in 0..20 {
                assert!(std::thread::panicking());
                gosched::thread::yield_now();
                assert_eq!(tid(), self.0);
            }
        }
    }
    in_child("a_panicking_goroutine_keeps_its_thread", || {
        for _ in 0..20 {
            let busy = gosched::thread::spawn(|| {
                (0..200).for_each(|_| gosched::thread::yield_now());
            });
            let panicked = std::panic::catch_unwind(|| {
                let _suspends = Suspends(tid());
                panic!("on purpose");
            });
            assert!(panicked.is_err() && !std::thread::panicking());
            busy.join().unwrap();
        }
    });
}

/// `CONTEXT`, `DUMMY`: std's channels use them while they block the thread, and no longer.
#[test]
fn channels_of_std_work_after_a_move() {
    in_child("channels_of_std_work_after_a_move", || {
        let ((ping, pinged), (pong, ponged)) = (mpsc::sync_channel(0), mpsc::sync_channel(0));
        let other = std::thread::spawn(move || {
            while let Ok(n) = pinged.recv() {
                pong.send(n + 1).unwrap();
            }
        });
        for n in 0..20 {
            ping.send(n).unwrap();
            moves_or_ends();
            assert_eq!(ponged.recv(), Ok(n + 1));
            moves_or_ends();
        }
        drop(ping);
        other.join().unwrap();
    });
}

/// `KEYS`: a map has its keys from the thread that made it, and keeps them.
#[test]
fn a_map_is_the_same_on_every_thread() {
    in_child("a_map_is_the_same_on_every_thread", || {
        let mut map = HashMap::new();
        for n in 0..50 {
            map.insert(n, n * n);
            moves();
            assert!((0..=n).all(|n| map.get(&n) == Some(&(n * n))));
        }
    });
}

/// `DTORS`: what a `thread_local!` holds goes when the thread does, not the goroutine.
#[test]
fn a_thread_local_outlives_the_goroutine() {
    struct Counts(&'static AtomicU32);
    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.fetch_add(1, Relaxed);
        }
    }
    static OF_THREADS: AtomicU32 = AtomicU32::new(0);
    static OF_GOROUTINES: AtomicU32 = AtomicU32::new(0);
    thread_local!(static THEIRS: RefCell<Option<Counts>> = const { RefCell::new(None) });
    gosched::goroutine_local!(static OURS: RefCell<Option<Counts>> = const { RefCell::new(None) });
    in_child("a_thread_local_outlives_the_goroutine", || {
        gosched::thread::spawn(|| {
            THEIRS.set(Some(Counts(&OF_THREADS)));
            OURS.set(Some(Counts(&OF_GOROUTINES)));
        })
        .join()
        .unwrap();
        assert_eq!(OF_THREADS.load(Relaxed), 0);
        assert_eq!(OF_GOROUTINES.load(Relaxed), 1);
    });
}

/// `OUTPUT_CAPTURE`: what a goroutine prints is not captured by libtest, which sets it for its own
/// threads and for those that they start.
#[test]
fn libtest_does_not_capture_goroutines() {
    let test = "libtest_does_not_capture_goroutines";
    if child::role().is_some() {
        println!("of the test");
        // SAFETY: nothing in there is tied to a thread.
        return unsafe { gosched::run(|| println!("of a goroutine")) };
    }
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--test-threads=1"]);
    command.env("GOSCHED_CHILD", "run");
    let ended = child::run(&mut command, LIMIT);
    assert_eq!(ended.status, Some(0), "{ended}");
    assert!(ended.stdout.contains("of a goroutine"), "{ended}");
    assert!(!ended.stdout.contains("of the test"), "{ended}");
}

/// Nothing per thread: `Once` and what is made of it. Who runs it may wait, and come back elsewhere.
#[test]
fn a_once_of_std_may_end_on_another_thread() {
    in_child("a_once_of_std_may_end_on_another_thread", || {
        for _ in 0..20 {
            let once = Arc::new(Once::new());
            let theirs = Arc::clone(&once);
            let (ready, start) = gosched::channel::bounded(0);
            let waits = std::thread::spawn(move || {
                start.recv().unwrap();
                theirs.call_once(|| panic!("a second run"));
            });
            once.call_once(|| {
                ready.send(()).unwrap();
                moves();
            });
            waits.join().unwrap();
        }
    });
}

/// The kernel's and the C library's: of the thread, unless the goroutine keeps it.
#[test]
fn a_signal_mask_is_the_old_threads() {
    fn mask(how: libc::c_int) -> bool {
        let (mut set, mut old) =
            unsafe { std::mem::zeroed::<(libc::sigset_t, libc::sigset_t)>() };
        unsafe { libc::sigaddset(&raw mut set, libc::SIGUSR2) };
        let done = unsafe { libc::pthread_sigmask(how, &raw const set, &raw mut old) };
        assert_eq!(done, 0);
        unsafe { libc::sigismember(&raw const old, libc::SIGUSR2) == 1 }
    }
    in_child("a_signal_mask_is_the_old_threads", || {
        mask(libc::SIG_BLOCK);
        moves();
        assert!(!mask(libc::SIG_UNBLOCK), "it came along");
        gosched::lock_os_thread();
        mask(libc::SIG_BLOCK);
        (0..20).for_each(|_| gosched::thread::yield_now());
        assert!(mask(libc::SIG_UNBLOCK), "it was lost");
        gosched::unlock_os_thread();
    });
}

/// The table's names are all of std's thread-locals: a new one is to be looked at.
#[test]
fn std_has_no_other_thread_locals() {
    const KNOWN: &[&str] = &[
        "CURRENT",
        "ID",
        "DTORS",
        "KEYS",
        "LOCAL_PANIC_COUNT",
        "OUTPUT_CAPTURE",
        "SPAWN_HOOKS",
        "CONTEXT",
        "DUMMY",
    ];
    let docs = include_str!("../docs/thread-locals.md");
    for name in KNOWN {
        assert!(
            docs.contains(&format!("`{name}`")),
            "the docs have no {name}"
        );
    }
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let names: BTreeSet<String> = thread_locals_of(&program)
        .into_iter()
        .filter(|name| name.starts_with("_ZN3std") || name.contains("_3std"))
        .collect();
    assert!(names.iter().any(|n| n.contains("7CURRENT")), "{names:?}");
    let new: Vec<_> = names
        .iter()
        .filter(|name| {
            let is = |known: &&str| name.contains(&format!("{}{known}", known.len()));
            !KNOWN.iter().any(is)
        })
        .collect();
    assert!(new.is_empty(), "std has more thread-locals: {new:#?}");
}

/// The names of an ELF file's thread-local symbols.
fn thread_locals_of(elf: &[u8]) -> Vec<String> {
    const SYMBOLS: u64 = 2;
    const THREAD_LOCAL: u64 = 6;
    let number = |at: usize, len: usize| {
        let mut bytes = [0; 8];
        bytes[..len].copy_from_slice(&elf[at..at + len]);
        u64::from_le_bytes(bytes) as usize
    };
    let (table, size, count) = (number(0x28, 8), number(0x3a, 2), number(0x3c, 2));
    let section = |i: usize| table + i * size;
    let mut names = Vec::new();
    for head in (0..count).map(section) {
        if number(head + 4, 4) as u64 != SYMBOLS {
            continue;
        }
        let (start, len) = (number(head + 0x18, 8), number(head + 0x20, 8));
        let strings = number(section(number(head + 0x28, 4)) + 0x18, 8);
        for symbol in (start..start + len).step_by(24) {
            if u64::from(elf[symbol + 4]) & 15 == THREAD_LOCAL {
                let name = &elf[strings + number(symbol, 4)..];
                let end = name.iter().position(|&b| b == 0).unwrap_or(0);
                names.push(String::from_utf8_lossy(&name[..end]).into_owned());
            }
        }
    }
    names
}
