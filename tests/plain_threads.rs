//! Plain threads beside the runtime: what they hold of it while they live, and what stays of them;
//! and the deadlock report that depends on their ends. Without libtest, whose threads would prevent
//! every report.
//!
//! The soak runs for 3 s at each number of Ps, or `PLAIN_SECS`; for ten minutes each:
//! `PLAIN_SECS=600 cargo test --release --test plain_threads soak -- --nocapture`.
#![allow(
    unsafe_code,
    reason = "gosched::run is the unsafe door; keys, limits of the system"
)]

#[path = "support/bare.rs"]
mod bare;
#[path = "support/child.rs"]
mod child;

use std::ffi::c_void;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::time::{Duration, Instant};

use gosched::thread;

const LIMIT: Duration = Duration::from_secs(120);
const MS: Duration = Duration::from_millis(1);
const DEADLOCK: &str = "fatal error: all goroutines are asleep - deadlock!";

fn run<R: Send>(ps: usize, f: impl FnOnce() -> R + Send) -> R {
    // SAFETY: nothing in these programs is tied to a thread.
    unsafe { gosched::Builder::new().procs(ps).run(f) }
}

#[track_caller]
fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        std::thread::sleep(MS);
    }
}

/// In the child, the program, in a `run` whose main goroutine waits for a plain thread that runs
/// `f` and ends without waking anybody: so nothing is left but the report.
fn until_deadlock(ps: usize, f: impl FnOnce() + Send + 'static) {
    run(ps, || {
        std::thread::spawn(f);
        thread::park();
    });
}

/// Runs the child at 1, 2 and 4 Ps.
fn each(test: &str, check: impl Fn(usize, child::Ended)) {
    for ps in [1, 2, 4] {
        let mut command = child::again(test, &ps.to_string());
        check(ps, child::run(&mut command, limit()));
    }
}

#[track_caller]
fn expect_deadlock(test: &str) {
    each(test, |ps, ended| {
        assert_eq!(ended.status, Some(2), "{ps} Ps: {ended}");
        assert!(ended.stderr.contains(DEADLOCK), "{ps} Ps: {ended}");
    });
}

fn role() -> Option<usize> {
    child::role().map(|ps| ps.parse().unwrap())
}

fn wait_once() {
    let (tx, rx) = gosched::channel::bounded::<u32>(0);
    gosched::go(move || tx.send(1).unwrap());
    assert_eq!(rx.recv().unwrap(), 1);
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The watcher's switches so far.
fn watched() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let watcher = tasks
        .filter_map(|task| Some(task.ok()?.path()))
        .find(|path| {
            let name = std::fs::read_to_string(path.join("comm"));
            name.is_ok_and(|name| name.trim() == "gosched-watcher")
        });
    let Some(path) = watcher else { return 0 };
    let status = std::fs::read_to_string(path.join("status")).unwrap();
    let counts = status.lines().filter(|line| line.contains("ctxt_switches"));
    counts
        .map(|line| {
            line.split_whitespace()
                .nth(1)
                .unwrap()
                .parse::<u64>()
                .unwrap()
        })
        .sum()
}

/// Threads that live on, each of which has used a primitive.
fn bystanders(n: usize) {
    static READY: AtomicU32 = AtomicU32::new(0);
    for _ in 0..n {
        let small = std::thread::Builder::new().stack_size(64 << 10);
        small
            .spawn(|| {
                thread::park_timeout(MS);
                READY.fetch_add(1, SeqCst);
                std::thread::sleep(2 * LIMIT);
            })
            .unwrap();
    }
    wait_for("bystanders", || READY.load(SeqCst) as usize == n);
}

/// One that comes, waits for one more, and goes, while everything of the runtime's sleeps.
fn comes_and_goes() {
    let first = std::thread::spawn(|| {
        let me = thread::current();
        let second = std::thread::spawn(move || me.unpark());
        thread::park();
        second.join().unwrap();
    });
    first.join().unwrap();
}

/// However many threads there are: a handful of descriptors, and no work when others come and go.
fn many_threads_cost_the_watcher_nothing() {
    let test = "many_threads_cost_the_watcher_nothing";
    if let Some(ps) = role() {
        run(ps, || {
            let (tell, told) = gosched::channel::bounded(1);
            std::thread::spawn(move || {
                bystanders(300);
                comes_and_goes();
                wait_for("the watcher", || watched() > 0);
                let before = watched();
                (0..200).for_each(|_| comes_and_goes());
                println!(
                    "descriptors {} switches {}",
                    descriptors(),
                    watched() - before
                );
                tell.send(()).unwrap();
            });
            told.recv().unwrap();
        });
        std::process::exit(0);
    }
    each(test, |ps, ended| {
        let number = |key: &str| -> u64 {
            let mut words = ended.stdout.split_whitespace();
            words.find(|word| *word == key);
            let next = words.next().unwrap_or_else(|| panic!("{ended}"));
            next.parse().unwrap()
        };
        // Standard streams, the folder that is being read, and the watcher's two.
        assert!(number("descriptors") < 16, "{ps} Ps: {ended}");
        // 400 threads have ended.
        assert!(number("switches") < 100, "{ps} Ps: {ended}");
    });
}

/// The oldest, which is the one that is watched, falls asleep; a younger one ends after that.
fn the_watched_thread_falls_asleep() {
    if let Some(ps) = role() {
        return until_deadlock(ps, || {
            let asleep = AtomicBool::new(false);
            let asleep: &'static AtomicBool = Box::leak(Box::new(asleep));
            std::thread::spawn(move || {
                wait_for("the other", || asleep.load(SeqCst));
                std::thread::sleep(50 * MS);
            });
            std::thread::sleep(50 * MS);
            asleep.store(true, SeqCst);
            thread::park();
        });
    }
    expect_deadlock("the_watched_thread_falls_asleep");
}

/// One after the other, and several at once.
fn the_last_of_many_ends() {
    if let Some(ps) = role() {
        return until_deadlock(ps, || {
            for i in 0..30_u32 {
                std::thread::spawn(move || match i % 3 {
                    0 => std::thread::sleep(MS * i),
                    1 => thread::park_timeout(MS * i),
                    _ => thread::park(),
                });
            }
        });
    }
    expect_deadlock("the_last_of_many_ends");
}

/// No descriptor is to be had, neither for the bell nor for the thread.
fn without_descriptors() {
    if let Some(ps) = role() {
        let none = libc::rlimit {
            rlim_cur: 3,
            rlim_max: 3,
        };
        return until_deadlock(ps, move || {
            // SAFETY: the limit is ours.
            unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const none) };
            std::thread::spawn(|| std::thread::sleep(100 * MS));
        });
    }
    expect_deadlock("without_descriptors");
}

/// The kernel goes on counting a first thread that has ended.
fn the_first_thread_ends() {
    if let Some(ps) = role() {
        std::thread::spawn(move || {
            until_deadlock(ps, || std::thread::sleep(50 * MS));
        });
        std::thread::sleep(20 * MS);
        // SAFETY: ends this thread only; nothing on its stack is borrowed.
        unsafe { libc::syscall(libc::SYS_exit, 0) };
    }
    expect_deadlock("the_first_thread_ends");
}

/// The goroutine's own thread ends, and its destructors wait: a plain thread then.
fn an_m_ends_as_a_plain_thread() {
    if let Some(ps) = role() {
        struct Late;
        impl Drop for Late {
            fn drop(&mut self) {
                wait_once();
                std::thread::sleep(20 * MS);
            }
        }
        thread_local! {
            static LATE: Late = const { Late };
        }
        return run(ps, || {
            for _ in 0..10 {
                thread::spawn(|| {
                    gosched::lock_os_thread();
                    LATE.with(|_| ());
                });
            }
            thread::park();
        });
    }
    expect_deadlock("an_m_ends_as_a_plain_thread");
}

static ROUND: AtomicU64 = AtomicU64::new(0);
static FIRST_IN: AtomicU64 = AtomicU64::new(0);

/// A C library's destructor: it asks for the next round, and needs gosched in one of them.
extern "C" fn in_one_round(value: *mut c_void) {
    let round = ROUND.fetch_add(1, SeqCst) + 1;
    if round >= FIRST_IN.load(SeqCst) {
        let me = thread::current();
        thread::park_timeout(MS);
        wait_once();
        assert_eq!(thread::current().id(), me.id());
    }
    // SAFETY: our own key.
    unsafe { libc::pthread_setspecific(KEY.load(Relaxed), value) };
}

/// From a thread of std's, whose own things may be gone by then.
fn first_used_in_any_round_of_a_key() {
    if let Some(ps) = role() {
        let mut key = 0;
        // SAFETY: the place is ours, the function fit for any thread.
        unsafe { libc::pthread_key_create(&raw mut key, Some(in_one_round)) };
        KEY.store(key, Relaxed);
        run(ps, || {
            let (tell, told) = gosched::channel::bounded(1);
            std::thread::spawn(move || {
                for first_in in 1..=4 {
                    FIRST_IN.store(first_in, SeqCst);
                    ROUND.store(0, SeqCst);
                    let life = std::thread::Builder::new().name("a life".to_string());
                    let life = life.spawn(|| {
                        assert!(std::thread::current().name().is_some());
                        // SAFETY: our own key; the value is never looked at.
                        unsafe {
                            libc::pthread_setspecific(
                                KEY.load(Relaxed),
                                std::ptr::without_provenance(1),
                            )
                        };
                    });
                    life.unwrap().join().unwrap();
                    println!("{first_in}: {} rounds", ROUND.load(SeqCst));
                }
                tell.send(()).unwrap();
            });
            told.recv().unwrap();
        });
        std::process::exit(0);
    }
    each("first_used_in_any_round_of_a_key", |ps, ended| {
        assert_eq!(ended.status, Some(0), "{ps} Ps: {ended}");
        assert!(ended.stdout.contains("4: 4 rounds"), "{ps} Ps: {ended}");
    });
}

// ---- a thread wakes a goroutine

/// At one P: goroutines yield, and others keep the P's own queue busy, each for a moment only. What a
/// thread puts into the global queue meanwhile is not behind all yields to come: every 61st pick is a
/// yielded one or a global one, in turns.
fn woken_beside_those_that_yield() {
    const MANY: u64 = 61 * 10;
    static PICKS: AtomicU64 = AtomicU64::new(0);
    static OVER: AtomicBool = AtomicBool::new(false);
    fn keep_busy() {
        PICKS.fetch_add(1, Relaxed);
        if !OVER.load(Relaxed) {
            gosched::go(keep_busy);
            gosched::go(|| ()); // kicks the other one from `runnext` into the ring
        }
    }
    if role().is_some() {
        let waits = run(1, || {
            let (wake, sleeper) = gosched::channel::bounded::<u32>(0);
            let (tell, told) = std::sync::mpsc::channel();
            gosched::go(move || {
                while sleeper.recv().is_ok() {
                    let _ = tell.send(PICKS.load(Relaxed));
                }
            });
            for _ in 0..4 {
                gosched::go(|| {
                    while !OVER.load(Relaxed) {
                        thread::yield_now();
                    }
                });
            }
            gosched::go(keep_busy);
            let waker = std::thread::spawn(move || {
                let waits: Vec<u64> = (0..20)
                    .map(|_| {
                        std::thread::sleep(MS);
                        wake.send(1).unwrap();
                        let woken = PICKS.load(Relaxed);
                        told.recv().unwrap().saturating_sub(woken)
                    })
                    .collect();
                OVER.store(true, Relaxed);
                waits
            });
            while !OVER.load(Relaxed) {
                thread::yield_now();
            }
            waker.join().unwrap()
        });
        assert!(waits.iter().all(|&picks| picks < MANY), "{waits:?}");
        std::process::exit(0);
    }
    let mut command = child::again("woken_beside_those_that_yield", "1");
    let ended = child::run(&mut command, LIMIT);
    assert_eq!(ended.status, Some(0), "{ended}");
}

// ---- the soak

fn seconds() -> u64 {
    let text = std::env::var("PLAIN_SECS").unwrap_or_else(|_| "3".into());
    text.parse().expect("PLAIN_SECS: a number of seconds")
}

fn limit() -> Duration {
    LIMIT + Duration::from_secs(seconds())
}

/// Waits in the destructor of a thread-local that was used first, and so is destroyed last; by then
/// the thread's own things are gone.
struct Last;
impl Drop for Last {
    fn drop(&mut self) {
        wait_once();
        wait_once();
    }
}
thread_local! {
    static LAST: Last = const { Last };
}

static KEY: AtomicU32 = AtomicU32::new(u32::MAX);
static KEYS: AtomicU64 = AtomicU64::new(0);

/// A C library's destructor, that waits as well, in each of the rounds that there are.
extern "C" fn key_ends(value: *mut c_void) {
    KEYS.fetch_add(1, Relaxed);
    wait_once();
    // SAFETY: our own key.
    unsafe { libc::pthread_setspecific(KEY.load(Relaxed), value) };
}

fn a_plain_life(how: u64) {
    if how.is_multiple_of(2) {
        LAST.with(|_| ());
    }
    if how % 8 == 1 {
        // SAFETY: our own key; the value is never looked at.
        unsafe {
            libc::pthread_setspecific(KEY.load(Relaxed), std::ptr::without_provenance(1))
        };
    }
    match how % 3 {
        0 => wait_once(),
        1 => thread::park_timeout(Duration::from_micros(how % 50)),
        _ => comes_and_goes(),
    }
}

/// Bytes in memory that are the process's own, less files.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kib: u64 = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kib << 10
}

fn soak() {
    if let Some(ps) = role() {
        let mut key = 0;
        // SAFETY: the place is ours, the function fit for any thread.
        unsafe { libc::pthread_key_create(&raw mut key, Some(key_ends)) };
        KEY.store(key, Relaxed);
        let lived = run(ps, || {
            let (tell, told) = gosched::channel::bounded(1);
            std::thread::spawn(move || {
                let live = |lives: std::ops::Range<u64>| {
                    std::thread::scope(|s| {
                        for first in 0..3 {
                            let lives = lives.clone();
                            s.spawn(move || {
                                for how in lives.skip(first).step_by(3) {
                                    std::thread::spawn(move || a_plain_life(how))
                                        .join()
                                        .unwrap();
                                }
                            });
                        }
                    });
                };
                // Whatever is made once, and kept, is made by now.
                live(0..600);
                let begin = Instant::now();
                let (fds, before) = (descriptors(), resident());
                let mut lived = 0;
                while lived < 2000 || begin.elapsed() < Duration::from_secs(seconds()) {
                    live(lived..lived + 300);
                    lived += 300;
                }
                let grown = resident().saturating_sub(before);
                println!(
                    "{lived} threads, {grown} bytes more, {} keys",
                    KEYS.load(Relaxed)
                );
                // One is open for a moment now and then: sysmon's look at a thread, the watcher's.
                let now = descriptors();
                assert!(now < fds + 8, "{now} descriptors, before {fds}");
                // What malloc and the threads of the runtime take is made by and by. Anything that
                // a thread loses is 32 bytes or more.
                assert!(
                    grown < (2 << 20) + lived * 2,
                    "{grown} bytes for {lived} threads"
                );
                tell.send(lived).unwrap();
            });
            told.recv()
        });
        std::process::exit(if lived.is_ok() { 0 } else { 1 });
    }
    each("soak", |ps, ended| {
        assert_eq!(ended.status, Some(0), "{ps} Ps: {ended}");
        print!("{ps} Ps: {}", ended.stdout);
    });
}

fn main() {
    macro_rules! tests {
        ($($test:ident),* $(,)?) => { bare::main(&[$((stringify!($test), $test)),*]) };
    }
    tests!(
        many_threads_cost_the_watcher_nothing,
        the_watched_thread_falls_asleep,
        the_last_of_many_ends,
        without_descriptors,
        the_first_thread_ends,
        an_m_ends_as_a_plain_thread,
        first_used_in_any_round_of_a_key,
        woken_beside_those_that_yield,
        soak,
    );
}
