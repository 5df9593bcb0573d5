//! What comes and goes for long leaves nothing behind: threads that end with the goroutine that was
//! locked to them, beside goroutines that move and goroutines that are tied; libraries with
//! thread-locals that are loaded and unloaded. Every kind of object is counted while it goes on.
//!
//! 3 s at each number of Ps, or `SOAK_SECS`. `SOAK_SECS=600 cargo test --release --test soak --
//! --nocapture` takes an hour and prints the counts six times on the way.
#![allow(
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "gosched::run is the unsafe door; loads libraries"
)]

mod support;

use std::cell::Cell;
use std::ffi::{CString, c_void};
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use gosched::lock_os_thread;
use gosched::thread::{sleep, spawn, yield_now};
use support::child;
use support::watchdog::Watchdog;

fn seconds() -> u64 {
    let text = std::env::var("SOAK_SECS").unwrap_or_else(|_| "3".into());
    text.parse().expect("SOAK_SECS: a number of seconds")
}

/// How many there are of everything.
#[derive(Clone, Copy, Debug)]
struct Counts {
    ms: usize,
    gs: usize,
    stacks: usize,
    thread_stacks_taken: usize,
    threads: u64,
    descriptors: u64,
    resident_kib: u64,
}

impl Counts {
    fn now() -> Counts {
        let objects = gosched::__objects();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let number = |key: &str| {
            let line = status.lines().find(|l| l.starts_with(key)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        Counts {
            ms: objects.ms,
            gs: objects.gs,
            stacks: objects.stacks,
            thread_stacks_taken: objects.thread_stacks_taken,
            threads: number("Threads:"),
            descriptors: std::fs::read_dir("/proc/self/fd").unwrap().count() as u64,
            resident_kib: number("VmRSS:"),
        }
    }

    /// The most of each.
    fn max(self, other: Counts) -> Counts {
        Counts {
            ms: self.ms.max(other.ms),
            gs: self.gs.max(other.gs),
            stacks: self.stacks.max(other.stacks),
            thread_stacks_taken: self.thread_stacks_taken.max(other.thread_stacks_taken),
            threads: self.threads.max(other.threads),
            descriptors: self.descriptors.max(other.descriptors),
            resident_kib: self.resident_kib.max(other.resident_kib),
        }
    }

    /// As flat as what came and went allows: by then thousands of each have.
    fn assert_flat(self, then: Counts) {
        let more = |now: u64, then: u64, slack: u64| now > then + slack;
        let grows = more(self.ms as u64, then.ms as u64, 16)
            || more(self.gs as u64, then.gs as u64, 128)
            || more(self.stacks as u64, then.stacks as u64, 64)
            || more(
                self.thread_stacks_taken as u64,
                then.thread_stacks_taken as u64,
                16,
            )
            || more(self.threads, then.threads, 16)
            || more(self.descriptors, then.descriptors, 4)
            || more(self.resident_kib, then.resident_kib, 2 << 10);
        assert!(!grows, "then {then:?}, now {self:?}");
    }
}

/// From a plain thread, until the time is over: the first third is for everything to be made that
/// will be used again. `what` has `progress`, which must not stand still.
fn watch(what: &str, progress: &[&AtomicU64]) {
    let whole = Duration::from_secs(seconds());
    let start = Instant::now();
    let mut most = [Counts::now(); 2];
    let mut printed = 0;
    let mut before: Vec<(u64, Instant)> = progress
        .iter()
        .map(|p| (p.load(Relaxed), Instant::now()))
        .collect();
    while start.elapsed() < whole {
        std::thread::sleep(Duration::from_millis(20));
        let part = usize::from(start.elapsed() > whole / 3);
        most[part] = most[part].max(Counts::now());
        for (seen, now) in before.iter_mut().zip(progress) {
            let now = now.load(Relaxed);
            if now != seen.0 {
                *seen = (now, Instant::now());
            }
            if seen.1.elapsed() > Duration::from_secs(20) {
                gosched::dump();
                panic!("{what}: stands still, {now}");
            }
        }
        let sixth = start.elapsed().as_millis() * 6 / whole.as_millis();
        if sixth > printed {
            printed = sixth;
            let done: Vec<u64> = progress.iter().map(|p| p.load(Relaxed)).collect();
            println!("{what}: {done:?} {:?}", Counts::now());
        }
    }
    most[1].assert_flat(most[0]);
    println!("{what}: flat");
}

/// In children, at 1, 2 and 4 Ps.
fn soak(name: &str, progress: &'static [&'static AtomicU64], body: fn(&AtomicBool)) {
    static OVER: AtomicBool = AtomicBool::new(false);
    let limit = Duration::from_secs(seconds() + 120);
    if let Some(ps) = child::role() {
        let _dog = Watchdog::new(&format!("{name} at {ps} Ps"), limit, gosched::dump);
        let what = format!("{name} at {ps} Ps");
        let watcher = std::thread::spawn(move || {
            while gosched::metrics().goroutines == 0 {
                std::thread::yield_now();
            }
            watch(&what, progress);
            OVER.store(true, Relaxed);
        });
        let builder = gosched::Builder::new().procs(ps.parse().unwrap());
        // SAFETY: the references to thread-locals that are held are not used.
        unsafe { builder.run(|| body(&OVER)) };
        return watcher.join().unwrap();
    }
    for ps in ["1", "2", "4"] {
        let ended = child::run(&mut child::again(name, ps), limit + limit);
        assert!(
            ended.status == Some(0) && ended.stdout.contains(": flat"),
            "{ps} Ps: {ended}"
        );
        print!("{}", ended.stdout);
    }
}

thread_local!(static CELL: Cell<u64> = const { Cell::new(0) });

/// Yields with the address of a thread-local on the stack.
#[inline(never)]
fn tied(times: u32) {
    CELL.with(|c| {
        let held = black_box(c);
        for _ in 0..times {
            yield_now();
        }
        black_box(&held);
    });
}

static EXITS: AtomicU64 = AtomicU64::new(0);
static TURNS: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

#[test]
fn locked_exits_beside_yielders_and_tied() {
    static PROGRESS: [&AtomicU64; 4] = [&EXITS, &TURNS[0], &TURNS[1], &TURNS[2]];
    soak("locked_exits_beside_yielders_and_tied", &PROGRESS, |over| {
        gosched::thread::scope(|s| {
            s.spawn(|| {
                while !over.load(Relaxed) {
                    TURNS[0].fetch_add(1, Relaxed);
                    yield_now();
                }
            });
            s.spawn(|| {
                while !over.load(Relaxed) {
                    TURNS[1].fetch_add(1, Relaxed);
                    tied(10);
                    yield_now();
                }
            });
            s.spawn(|| {
                while !over.load(Relaxed) {
                    TURNS[2].fetch_add(1, Relaxed);
                    sleep(Duration::from_micros(300));
                    tied(1);
                }
            });
            for _ in 0..2 {
                s.spawn(|| {
                    while !over.load(Relaxed) {
                        let locked = spawn(|| {
                            tied(1);
                            lock_os_thread();
                        });
                        locked.join().unwrap();
                        EXITS.fetch_add(1, Relaxed);
                    }
                });
            }
        });
    });
}

const SOURCE: &str = r#"
    static __thread unsigned long late;
    static __attribute__((noinline)) unsigned long *fresh(void) {
        __asm__ volatile("");
        return &late;
    }
    /* True: after the suspension, it is still the calling thread's. */
    int hold(void (*suspend)(void)) {
        unsigned long *volatile held = fresh();
        *held += 1;
        suspend();
        return held == fresh();
    }
"#;

type Hold = unsafe extern "C" fn(extern "C" fn()) -> i32;

extern "C" fn suspend() {
    yield_now();
}

/// A few copies of one library. `None`: there is no compiler here.
fn libraries() -> Option<Vec<CString>> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let source = folder.join("soak.c");
    let paths: Vec<PathBuf> = (0..4)
        .map(|i| folder.join(format!("libsoak{i}.so")))
        .collect();
    if child::role().is_none() {
        std::fs::write(&source, SOURCE).unwrap();
        let first = &paths[0];
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([first, &source])
            .status();
        if !built.is_ok_and(|status| status.success()) {
            return None;
        }
        for other in &paths[1..] {
            std::fs::copy(first, other).unwrap();
        }
    }
    let name = |p: &PathBuf| CString::new(p.as_os_str().as_encoded_bytes()).unwrap();
    Some(paths.iter().map(name).collect())
}

static LOADED: AtomicU64 = AtomicU64::new(0);

/// A goroutine that used a library that is new to its thread is tied to it without a look; that
/// thread may be about to end with the goroutine that was locked to it.
#[test]
fn libraries_come_and_go_beside_locked_exits() {
    if libraries().is_none() {
        eprintln!("no cc here: nothing was tested");
        return;
    }
    static PROGRESS: [&AtomicU64; 2] = [&EXITS, &LOADED];
    soak(
        "libraries_come_and_go_beside_locked_exits",
        &PROGRESS,
        |over| {
            let names = libraries().unwrap();
            gosched::thread::scope(|s| {
                s.spawn(|| {
                    while !over.load(Relaxed) {
                        spawn(lock_os_thread).join().unwrap();
                        EXITS.fetch_add(1, Relaxed);
                    }
                });
                for name in names.iter().cycle() {
                    if over.load(Relaxed) {
                        break;
                    }
                    // SAFETY: unloaded when all who use it have ended.
                    let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW) };
                    assert!(!library.is_null(), "{name:?}");
                    let hold = unsafe { libc::dlsym(library, c"hold".as_ptr()) };
                    assert!(!hold.is_null());
                    let hold = unsafe { std::mem::transmute::<*mut c_void, Hold>(hold) };
                    let users: Vec<_> = (0..5)
                        .map(|i| {
                            spawn(move || {
                                let right = (0..5).all(|_| unsafe { hold(suspend) } != 0);
                                if i == 4 {
                                    lock_os_thread();
                                }
                                right
                            })
                        })
                        .collect();
                    for user in users {
                        assert!(user.join().unwrap(), "another thread's thread-local");
                    }
                    assert_eq!(unsafe { libc::dlclose(library) }, 0);
                    LOADED.fetch_add(1, Relaxed);
                }
            });
        },
    );
}
