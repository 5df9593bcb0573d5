//! Goroutines that touch thread-locals around a suspension, forced to change threads there.
//!
//! `tests/tls-cases` has the programs; here they run in the profile of `cargo test`, and
//! `ci/tls-cases.sh` builds them in many.
#![allow(
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    clippy::missing_const_for_thread_local,
    reason = "the programs do what the guard is for"
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

/// Its name, and what answers whether all was right.
type Case = (&'static str, fn() -> bool);

#[path = "tls-cases/keys/src/keys.rs"]
mod own_keys;

mod own {
    use super::own_keys as keys;
    include!("tls-cases/src/cases.rs");
}

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(120);

fn run<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    // SAFETY: to see that it goes well all the same.
    unsafe { gosched::Builder::new().procs(2).run(f) }
}

/// In a child of its own: what the runtime counts must be this test's alone.
fn in_child(name: &str) -> bool {
    if child::role().is_some() {
        return true;
    }
    let ended = child::run(&mut child::again(name, "run"), LIMIT);
    assert_eq!(ended.status, Some(0), "{ended}");
    false
}

#[test]
fn every_case_is_right() {
    if !in_child("every_case_is_right") {
        return;
    }
    run(|| {
        let mut wrong = Vec::new();
        for (name, case) in own::CASES {
            if (0..3).any(|_| !case()) {
                wrong.push(*name);
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    });
    let counts = gosched::metrics();
    assert!(
        migrate::MOVED.load(Relaxed) > 0,
        "nobody ever moved: {counts:?}"
    );
    assert!(
        migrate::STAYED.load(Relaxed) > 0,
        "nobody was ever kept: {counts:?}"
    );
    assert!(counts.tls_taints > 0 && counts.tls_pins >= counts.tls_taints);
    assert!(counts.tls_scans >= counts.tls_taints);
}

/// So that the tests here can fail.
#[test]
fn without_the_guard_a_case_goes_wrong() {
    if !in_child("without_the_guard_a_case_goes_wrong") {
        return;
    }
    // SAFETY: none: to see it go wrong. The reference is to a cell, without a destructor.
    let builder = unsafe { gosched::Builder::new().procs(2).without_tls_guard() };
    let case = own::CASES
        .iter()
        .find(|c| c.0 == "reference_in_a_struct")
        .unwrap()
        .1;
    // SAFETY: as above.
    assert!(!unsafe { builder.run(case) });
    assert_eq!(gosched::metrics().tls_scans, 0);
}

/// The thread that a goroutine left in the middle of a panic is asleep without a P, or busy
/// with another: it comes back there, in both cases.
#[test]
fn a_kept_goroutine_comes_back_to_a_sleeping_thread_too() {
    run(|| {
        for _ in 0..200 {
            let h = gosched::thread::spawn(|| {
                own_keys::CONST.with(|c| {
                    let v = migrate::next();
                    // Its address is in memory that the compiler cannot forget.
                    let held = std::hint::black_box(c);
                    held.set(v);
                    let before = migrate::tid();
                    gosched::thread::sleep(Duration::from_micros(20));
                    std::hint::black_box(&held);
                    assert_eq!(migrate::tid(), before);
                    held.get() == v
                })
            });
            assert!(h.join().unwrap());
        }
    });
}

/// Tainted goroutines do not starve those that are free, nor the other way round.
#[test]
fn tied_and_free_goroutines_share_a_thread() {
    run(|| {
        let tied: Vec<_> = (0..8)
            .map(|_| {
                gosched::thread::spawn(|| {
                    own_keys::FIELDS.with(|f| {
                        let held = std::hint::black_box(f);
                        for _ in 0..500 {
                            gosched::thread::yield_now();
                            std::hint::black_box(&held);
                        }
                    });
                })
            })
            .collect();
        let free: Vec<_> = (0..8)
            .map(|_| {
                gosched::thread::spawn(|| {
                    for _ in 0..500 {
                        gosched::thread::yield_now();
                    }
                })
            })
            .collect();
        for h in tied.into_iter().chain(free) {
            h.join().unwrap();
        }
    });
}

/// A goroutine that never blocks but enters the runtime now and then gives way, after its time
/// slice, to those that are tied to its thread.
#[test]
fn one_that_enters_the_runtime_gives_way_to_the_tied() {
    run(|| {
        for _ in 0..5 {
            own_keys::CONST.with(|c| {
                let held = std::hint::black_box(c);
                let back = Arc::new(AtomicBool::new(false));
                let seen = Arc::clone(&back);
                let me = gosched::thread::current();
                gosched::go(move || {
                    me.unpark();
                    let end = Instant::now() + Duration::from_secs(20);
                    while !seen.load(Relaxed) {
                        std::hint::black_box(gosched::thread::current());
                        assert!(Instant::now() < end, "never gave way");
                    }
                });
                gosched::thread::park();
                back.store(true, Relaxed);
                std::hint::black_box(&held);
            });
        }
    });
}

/// Goroutines that compute for ever, without ever calling anything.
struct Hogs {
    stop: Arc<AtomicBool>,
    all: Vec<gosched::thread::JoinHandle<()>>,
}

impl Hogs {
    fn start(n: usize) -> Hogs {
        let stop = Arc::new(AtomicBool::new(false));
        let hog = |_| {
            let stop = Arc::clone(&stop);
            gosched::thread::spawn(move || {
                while !stop.load(Relaxed) {
                    std::hint::spin_loop();
                }
            })
        };
        let all = (0..n).map(hog).collect();
        Hogs { stop, all }
    }

    fn stop(self) {
        self.stop.store(true, Relaxed);
        self.all.into_iter().for_each(|h| h.join().unwrap());
    }
}

/// Runs `f` with the address of a thread-local on the stack.
fn tied<R>(f: impl FnOnce() -> R) -> R {
    own_keys::CONST.with(|c| {
        let held = std::hint::black_box(c);
        let result = f();
        std::hint::black_box(&held);
        result
    })
}

/// In children with so many Ps: none of the hogs gets the thread that somebody needs.
fn beside_hogs(name: &str, ps: &[&str], body: fn()) {
    if let Some(role) = child::role() {
        let ps = role.parse().unwrap();
        // SAFETY: the references that are held are not used.
        unsafe { gosched::Builder::new().procs(ps).run(body) };
        return println!("went on");
    }
    for ps in ps {
        let ended = child::run(&mut child::again(name, ps), LIMIT / 2);
        assert!(ended.stdout.contains("went on"), "{ps} Ps: {ended}");
    }
}

#[test]
fn a_tied_sleeper_goes_on_beside_hogs() {
    beside_hogs("a_tied_sleeper_goes_on_beside_hogs", &["1", "2"], || {
        tied(|| {
            let hogs = Hogs::start(6);
            for _ in 0..20 {
                gosched::thread::sleep(Duration::from_millis(1));
            }
            hogs.stop();
        });
    });
}

/// One that was not tied when it suspended before.
#[test]
fn one_that_is_tied_late_goes_on_beside_hogs() {
    beside_hogs(
        "one_that_is_tied_late_goes_on_beside_hogs",
        &["1", "2"],
        || {
            for _ in 0..10 {
                gosched::thread::sleep(Duration::from_micros(50));
            }
            let hogs = Hogs::start(6);
            tied(|| {
                for _ in 0..20 {
                    gosched::thread::sleep(Duration::from_millis(1));
                }
            });
            hogs.stop();
        },
    );
}

#[test]
fn tied_receivers_go_on_beside_hogs() {
    beside_hogs("tied_receivers_go_on_beside_hogs", &["1", "2"], || {
        let (send, receive) = gosched::channel::bounded::<u32>(0);
        let (done, all_done) = gosched::channel::bounded(3);
        for _ in 0..3 {
            let (receive, done) = (receive.clone(), done.clone());
            gosched::go(move || {
                let sum = tied(|| receive.iter().sum::<u32>());
                done.send(sum).unwrap();
            });
        }
        gosched::thread::yield_now();
        let hogs = Hogs::start(4);
        for i in 0..60 {
            send.send(i).unwrap();
        }
        drop(send);
        let sum: u32 = all_done.iter().take(3).sum();
        assert_eq!(sum, 59 * 60 / 2);
        hogs.stop();
    });
}

/// Those that have computed for long before are hogs, until they have been seen to suspend in time.
/// With one P, others get on only if one that does not suspend is preempted.
#[test]
fn known_hogs_leave_the_thread_to_the_tied() {
    const HOGS: usize = 4;
    const ROUNDS: u64 = 4;
    struct Shared {
        stop: AtomicBool,
        rounds: [AtomicU64; HOGS],
    }
    beside_hogs("known_hogs_leave_the_thread_to_the_tied", &["1"], || {
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            rounds: [const { AtomicU64::new(0) }; HOGS],
        });
        let hog = |me: usize| {
            let shared = Arc::clone(&shared);
            gosched::thread::spawn(move || {
                for round in 1..=ROUNDS {
                    shared.rounds[me].store(round, Relaxed);
                    // The last round does not end by itself.
                    while !shared.stop.load(Relaxed)
                        && (round == ROUNDS
                            || shared.rounds.iter().any(|r| r.load(Relaxed) < round))
                    {
                        std::hint::spin_loop();
                    }
                    gosched::thread::yield_now();
                }
            })
        };
        let hogs: Vec<_> = (0..HOGS).map(hog).collect();
        tied(|| {
            let mut after = 0;
            while after < 20 {
                gosched::thread::sleep(Duration::from_millis(1));
                let last = shared.rounds.iter().all(|r| r.load(Relaxed) == ROUNDS);
                after += u32::from(last);
            }
        });
        shared.stop.store(true, Relaxed);
        hogs.into_iter().for_each(|h| h.join().unwrap());
    });
}

/// What cannot be helped: one that has always suspended in time does not any more, on the very
/// thread that another needs. A dump says so.
#[test]
fn a_dump_says_which_thread_somebody_waits_for() {
    let name = "a_dump_says_which_thread_somebody_waits_for";
    if child::role().is_none() {
        let ended = child::run(&mut child::again(name, "run"), LIMIT);
        assert_eq!(ended.status, Some(0), "{ended}");
        let line = ended
            .stderr
            .lines()
            .find(|l| l.contains("waits for its thread"));
        let line = line.unwrap_or_else(|| panic!("{ended}"));
        assert!(line.contains(", where goroutine "), "{line}");
        return;
    }
    run(|| {
        let mut stuck = 0;
        for _ in 0..1000 {
            let stop = Arc::new(AtomicBool::new(false));
            let (stopped, over) = (Arc::clone(&stop), Arc::clone(&stop));
            let hog = gosched::thread::spawn(move || {
                gosched::thread::park();
                let on = migrate::tid();
                while !stopped.load(Relaxed) {
                    std::hint::spin_loop();
                }
                on
            });
            gosched::thread::yield_now();
            let stopper = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(100));
                gosched::dump();
                stop.store(true, Relaxed);
            });
            let (mine, waited) = tied(|| {
                hog.thread().unpark();
                gosched::thread::sleep(Duration::from_millis(1));
                (migrate::tid(), over.load(Relaxed))
            });
            let on = hog.join().unwrap();
            gosched::blocking(|| stopper.join()).unwrap();
            stuck += u32::from(on == mine && waited);
            if stuck == 3 {
                return;
            }
        }
        panic!("the hog never came upon that thread");
    });
}

/// Overwrites what finished calls have left where the next ones will have their frames.
#[inline(never)]
fn forget_old_frames() {
    std::hint::black_box(&mut [0_u64; 1024]);
}

/// Holds a reference to a thread-local while a locked goroutine ends, perhaps on this thread. A
/// function of its own: its frame, and so the reference, is gone when it returns, however much
/// the compiler inlines.
#[inline(never)]
fn ends_while_needed(one_ends_here: &dyn Fn() -> bool) -> bool {
    let (before, v) = (migrate::tid(), migrate::next());
    let here = own_keys::CONST.with(|c| {
        let held = std::hint::black_box(c);
        held.set(v);
        let here = one_ends_here();
        for _ in 0..10 {
            let other = gosched::thread::spawn(migrate::tid);
            assert!(other.join().unwrap() != before || !here);
        }
        assert_eq!(std::hint::black_box(&held).get(), v);
        assert_eq!(own_keys::fresh::constant(), v);
        here
    });
    assert_eq!(migrate::tid(), before);
    here
}

/// A goroutine that ends locked takes its thread along, but not as long as another needs it. Nobody
/// else comes upon that thread meanwhile: it may be in any state.
#[test]
fn a_thread_that_somebody_needs_does_not_end() {
    if !in_child("a_thread_that_somebody_needs_does_not_end") {
        return;
    }
    // True: a locked goroutine has ended on the caller's thread.
    let one_ends_here = || {
        let before = migrate::tid();
        let me = gosched::thread::current();
        let locked = gosched::thread::spawn(move || {
            gosched::thread::park();
            gosched::lock_os_thread();
            me.unpark();
            migrate::tid()
        });
        gosched::thread::yield_now();
        locked.thread().unpark();
        gosched::thread::park();
        locked.join().unwrap() == before
    };
    let ended = |tid: i64| {
        let task = format!("/proc/self/task/{tid}");
        let end = Instant::now() + LIMIT / 6;
        while std::path::Path::new(&task).exists() && Instant::now() < end {
            gosched::thread::sleep(Duration::from_millis(1));
        }
        !std::path::Path::new(&task).exists()
    };
    let body = || {
        let mut needed = 0;
        for _ in 0..1000 {
            // The one before is over: its thread ends when nobody needs it any more.
            forget_old_frames();
            gosched::thread::yield_now();
            needed += u32::from(ends_while_needed(&one_ends_here));
            if needed == 5 {
                break;
            }
        }
        assert_eq!(needed, 5, "it never ended on the thread that was needed");
        // Without a need it does end.
        let gone = (0..1000).any(|_| {
            forget_old_frames();
            let before = migrate::tid();
            one_ends_here() && migrate::tid() != before && ended(before)
        });
        // Without optimisation an old frame's reference may lie about in a newer frame for long.
        assert!(gone || cfg!(debug_assertions), "no thread ever ended");
    };
    // SAFETY: the references that are held are what is tested.
    unsafe { gosched::Builder::new().procs(1).run(body) };
}

/// Locked to its thread, everything is right: the borrows that the guard cannot see as well.
#[test]
fn locked_to_the_thread_every_case_is_right() {
    if !in_child("locked_to_the_thread_every_case_is_right") {
        return;
    }
    migrate::LOCKED.store(true, Relaxed);
    run(|| {
        gosched::lock_os_thread();
        for (name, case) in own::CASES.iter().chain(own::DUTY) {
            assert!((0..3).all(|_| case()), "{name}");
        }
        gosched::unlock_os_thread();
    });
}

/// The entry shim's unwind information: a backtrace passes it, and so does a panic's search.
#[test]
fn a_backtrace_passes_the_entry_shim() {
    let text = run(|| {
        gosched::thread::spawn(|| std::backtrace::Backtrace::force_capture().to_string())
            .join()
            .unwrap()
    });
    let shim = text.find("gosched::core::g::shim_").expect(&text);
    let below = &text[shim..];
    assert!(below.contains("corosensei"), "{text}");
    assert!(
        below.contains("start_thread") || below.contains("clone"),
        "{text}"
    );
}

/// `ci/tls-cases.sh`: debug, release, size, thin and fat LTO. Some minutes.
#[test]
#[ignore = "builds a package in five profiles"]
fn every_case_is_right_in_every_profile() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/ci/tls-cases.sh");
    let ended = child::run(&mut std::process::Command::new(script), 60 * LIMIT);
    assert_eq!(ended.status, Some(0), "{ended}");
}
