//! The system refuses: threads, address space, memory, descriptors, at the start and in the middle.
//! The program goes on with what there is, or ends with words; nothing is lost.
//!
//! Each case is a process of its own, under a limit or under a supervisor that refuses its system
//! calls (`refused/refuser.rs`). `GOSCHED_REFUSED_SECONDS=600 cargo test --release --test refused
//! at_random` is the soak.
#![allow(
    unsafe_code,
    reason = "limits of the process, and the door into the runtime"
)]

#[path = "support/bare.rs"]
mod bare;
#[path = "support/child.rs"]
mod child;
#[path = "support/limits.rs"]
mod limits;
#[path = "refused/refuser.rs"]
mod refuser;
#[path = "refused/workload.rs"]
mod workload;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use child::Ended;
use gosched::{Builder, StackError, sync::WaitGroup, thread};
use limits::limit;
use refuser::Plan;
use workload::Threads;

const LIMIT: Duration = Duration::from_secs(60);
/// A child's status when there is nothing to test here.
const SKIPPED: i32 = 78;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// In the child `program`, with the words behind its role; in the parent, how it ended.
fn ended(test: &str, words: &str, program: impl FnOnce(&[u64])) -> Option<Ended> {
    child::with_numbers(program);
    let ended = child::run(&mut child::again(test, words), LIMIT);
    if ended.status == Some(SKIPPED) {
        println!("skipped: no seccomp user notification here");
        return None;
    }
    Some(ended)
}

#[track_caller]
fn succeeds(ended: &Ended, says: &str) {
    assert_eq!(ended.status, Some(0), "{ended}");
    assert!(ended.stdout.contains(says), "no {says:?}: {ended}");
}

#[track_caller]
fn ends_with(ended: &Ended, words: &str) {
    assert_eq!(ended.status, Some(2), "{ended}");
    assert!(ended.stderr.contains(words), "no {words:?}: {ended}");
}

fn refuse(plan: Plan) {
    if !refuser::begin(plan) {
        std::process::exit(SKIPPED);
    }
}

fn at<R: Send>(procs: u64, f: impl FnOnce() -> R + Send) -> R {
    // SAFETY: nothing is tied to a thread.
    unsafe { Builder::new().procs(procs as usize).run(f) }
}

/// As many goroutines as said, all alive at once.
fn many(count: u64, live: impl Fn() + Send + Sync + Copy + 'static) -> usize {
    let all: Vec<_> = (0..count).map(|_| thread::spawn(live)).collect();
    all.into_iter().map(|handle| handle.join().unwrap()).count()
}

const PLAIN: &str = "a_plain_program_runs_under_every_limit_of_address_space";

fn a_plain_program_runs_under_every_limit_of_address_space() {
    for procs in [1, 2, 4] {
        for mib in [200, 300, 1024, 2048, 3072, 6144, 9216, 14_336, 30_720] {
            let Some(e) = ended(PLAIN, &format!("{procs} {mib}"), |n| {
                limit(libc::RLIMIT_AS, n[1] * MIB);
                let done = at(n[0], || {
                    many(300, || {
                        let buffer = std::hint::black_box(vec![1; 5_000]);
                        thread::sleep(Duration::from_micros(200));
                        drop(buffer);
                    })
                });
                println!("done: {done}");
            }) else {
                return;
            };
            succeeds(&e, "done: 300");
        }
    }
}

const MORE: &str = "more_goroutines_than_stacks_wait_for_one";

/// 2,000 stacks take 500 MiB. As soon as some are back, others go on with them.
fn more_goroutines_than_stacks_wait_for_one() {
    let limits = [(libc::RLIMIT_DATA, 100 * MIB), (libc::RLIMIT_AS, 300 * MIB)];
    for (resource, bytes) in limits {
        for procs in [1, 2, 4] {
            let Some(e) = ended(MORE, &format!("{procs} {resource} {bytes}"), |n| {
                limit(n[1] as _, n[2]);
                let done = at(n[0], || {
                    many(2_000, || thread::sleep(Duration::from_millis(20)))
                });
                println!("done: {done}");
            }) else {
                return;
            };
            succeeds(&e, "done: 2000");
        }
    }
}

const NOBODY: &str = "no_stack_and_nobody_to_give_one_back_ends_with_words";

fn no_stack_and_nobody_to_give_one_back_ends_with_words() {
    for procs in [1, 2, 4] {
        let Some(e) = ended(NOBODY, &procs.to_string(), |n| {
            limit(libc::RLIMIT_DATA, 100 * MIB);
            at(n[0], || {
                static ALL_ARE_HERE: WaitGroup = WaitGroup::new();
                ALL_ARE_HERE.add(2_000);
                many(2_000, || {
                    ALL_ARE_HERE.done();
                    ALL_ARE_HERE.wait();
                })
            });
        }) else {
            return;
        };
        ends_with(&e, "fatal error: no stack for goroutine ");
        assert!(e.stderr.contains("ulimit -d"), "{e}");
    }
}

const NEVER: &str = "a_stack_of_a_size_that_cannot_be_had_is_an_error_of_spawn";

fn a_stack_of_a_size_that_cannot_be_had_is_an_error_of_spawn() {
    let Some(e) = ended(NEVER, "2", |n| {
        limit(libc::RLIMIT_AS, 600 * MIB);
        at(n[0], || {
            let builder = thread::Builder::new().stack_size(GIB as usize);
            let error = builder.spawn(|| ()).unwrap_err().downcast::<StackError>();
            println!("error: {}", error.unwrap());
            // The others have theirs.
            assert_eq!(many(100, thread::yield_now), 100);
        });
    }) else {
        return;
    };
    succeeds(&e, "error: cannot reserve");
}

const SPARE: &str = "without_spare_threads_a_program_goes_on";

/// The spawner, an M, the monitor; then the same without the monitor. Goroutines that block in the
/// kernel keep the M, one after the other.
fn without_spare_threads_a_program_goes_on() {
    for procs in [1, 2, 4] {
        for given in [2, 3, 4, 6] {
            let Some(e) = ended(SPARE, &format!("{procs} {given}"), |n| {
                let given = n[1] as u32;
                let refused = u32::MAX;
                refuse(Plan::Threads { given, refused });
                workload::run(n[0] as usize, 60, Threads::Stay);
                println!("rests: {}", at(n[0], rests));
            }) else {
                return;
            };
            complete(&e);
            succeeds(&e, "rests: true");
        }
    }
}

const WATCHER: &str = "a_deadlock_is_told_though_the_watcher_s_thread_is_refused";

/// A plain thread that could wake main prevents the report, and ends. Who would see that is refused.
fn a_deadlock_is_told_though_the_watcher_s_thread_is_refused() {
    for given in [4, 5] {
        let Some(e) = ended(WATCHER, &given.to_string(), |n| {
            let given = n[0] as u32;
            let refused = u32::MAX;
            refuse(Plan::Threads { given, refused });
            let (tell, parks) = mpsc::channel();
            std::thread::spawn(move || {
                parks.recv().unwrap();
                std::thread::sleep(Duration::from_millis(100)); // so that it prevents the report
            });
            at(1, || {
                tell.send(()).unwrap();
                thread::park();
            });
        }) else {
            return;
        };
        ends_with(&e, "all goroutines are asleep - deadlock!");
    }
}

const LATER: &str = "a_thread_that_is_given_later_is_used";

/// Each waits in the kernel for the other: with one M it takes a second thread, which is refused
/// some times.
fn a_thread_that_is_given_later_is_used() {
    for procs in [1, 2, 4] {
        let Some(e) = ended(LATER, &procs.to_string(), |n| {
            let (given, refused) = (3, 7);
            refuse(Plan::Threads { given, refused });
            at(n[0], || {
                let (to, from) = mpsc::channel();
                let (back, answer) = mpsc::channel();
                let one = thread::spawn(move || from.recv().map(|n: u32| back.send(n + 1)));
                // So that it waits before anybody has sent.
                thread::sleep(Duration::from_millis(1));
                let two = thread::spawn(move || {
                    to.send(1).unwrap();
                    answer.recv().unwrap()
                });
                println!("answer: {}", two.join().unwrap());
                one.join().unwrap().unwrap().unwrap();
            });
        }) else {
            return;
        };
        succeeds(&e, "answer: 2");
    }
}

const OVER: &str = "who_blocks_after_its_slice_does_not_stop_those_without_spare_threads";

/// One computes for more than a slice, and waits in the kernel for main, which needs the P by then.
fn who_blocks_after_its_slice_does_not_stop_those_without_spare_threads() {
    for given in [4, 5, 6] {
        let Some(e) = ended(OVER, &given.to_string(), |n| {
            let given = n[0] as u32;
            let refused = u32::MAX;
            refuse(Plan::Threads { given, refused });
            at(1, || {
                if !two_ms_of(given) {
                    return println!("1: 1"); // the exit watcher came first: one M can do nothing about it
                }
                for way in 0..2 {
                    let (mut from, mut to) = std::io::pipe().unwrap();
                    let blocks = thread::spawn(move || {
                        let begin = Instant::now();
                        while begin.elapsed() < Duration::from_millis(25) {}
                        std::io::Read::read(&mut from, &mut [0]).unwrap()
                    });
                    let begin = Instant::now();
                    while begin.elapsed() < Duration::from_millis(50) {
                        std::thread::sleep(Duration::from_millis(1));
                        match way {
                            0 => thread::yield_now(),
                            _ => drop(gosched::goroutine::id()),
                        }
                    }
                    std::io::Write::write_all(&mut to, &[1]).unwrap();
                    println!("{way}: {}", blocks.join().unwrap());
                }
            });
        }) else {
            return;
        };
        succeeds(&e, "1: 1");
    }
}

/// Waits until there are two, or all threads that are given.
fn two_ms_of(given: u32) -> bool {
    let begin = Instant::now();
    loop {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let names =
            tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")));
        let names: Vec<String> = names.map_while(Result::ok).collect();
        let ms = names.iter().filter(|name| name.starts_with("gosched-m"));
        let enough = ms.count() >= 2;
        if enough || names.len() > given as usize {
            return enough;
        }
        assert!(begin.elapsed() < LIMIT / 2, "{names:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// While its goroutines sleep the process sleeps, too, most of the time.
fn rests() -> bool {
    let used = || {
        let mut at = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: a place of ours.
        unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut at) };
        Duration::new(at.tv_sec as u64, at.tv_nsec as u32)
    };
    let (pause, before) = (Duration::from_millis(500), used());
    thread::sleep(pause);
    used() - before < pause / 2
}

const NONE: &str = "without_any_thread_it_ends_with_gos_words";

fn without_any_thread_it_ends_with_gos_words() {
    let words = [
        "fatal error: failed to create the runtime's first thread: Resource temporarily",
        "fatal error: failed to create new OS thread (have 0 already): Resource temporarily",
    ];
    for (given, words) in words.into_iter().enumerate() {
        let Some(e) = ended(NONE, &format!("2 {given}"), |n| {
            let given = n[1] as u32;
            let refused = u32::MAX;
            refuse(Plan::Threads { given, refused });
            at(n[0], thread::yield_now);
        }) else {
            return;
        };
        ends_with(&e, words);
    }
}

const STUCK: &str = "when_only_locked_threads_are_left_it_ends_with_gos_words";

fn when_only_locked_threads_are_left_it_ends_with_gos_words() {
    let Some(e) = ended(STUCK, "1", |n| {
        let (given, refused) = (2, u32::MAX);
        refuse(Plan::Threads { given, refused });
        at(n[0], || {
            gosched::lock_os_thread();
            thread::spawn(thread::yield_now).join().unwrap();
        });
    }) else {
        return;
    };
    ends_with(
        &e,
        "fatal error: failed to create new OS thread (have 1 already)",
    );
}

/// Everything that was begun has ended.
#[track_caller]
fn complete(e: &Ended) {
    succeeds(e, "counts: ");
    let line = e.stdout.lines().find_map(|l| l.strip_prefix("counts: "));
    let counts: Vec<u64> = line
        .into_iter()
        .flat_map(str::split_whitespace)
        .map(|n| n.parse().unwrap())
        .collect();
    let [begun, ended, sent, received, _] = counts[..] else {
        panic!("{e}");
    };
    assert_eq!((begun, sent), (ended, received), "{e}");
}

/// The ends that a program may come to when something that it cannot do without was refused.
const WORDS: [&str; 8] = [
    "fatal error: failed to create",
    "fatal error: no stack for goroutine ",
    "fatal error: out of memory (table",
    "fatal error: out of address space (table)",
    "cannot reserve ",
    "cannot make ",
    "cannot put a guard ",
    // std's, where malloc has none.
    "memory allocation of ",
];

const AT_RANDOM: &str = "refused_at_random_nothing_is_lost";

fn soak() -> Duration {
    let seconds = std::env::var("GOSCHED_REFUSED_SECONDS");
    Duration::from_secs(seconds.map_or(8, |s| s.parse().unwrap()))
}

fn refused_at_random_nothing_is_lost() {
    let seconds = soak();
    let (begin, mut seed) = (Instant::now(), 1);
    let (mut whole, mut by_words) = (0, [0; WORDS.len()]);
    while begin.elapsed() < seconds {
        let procs = [1, 2, 4][seed as usize % 3];
        let one_in = [3, 10, 40, 200][seed as usize / 3 % 4];
        let Some(e) = ended(AT_RANDOM, &format!("{procs} {seed} {one_in}"), |n| {
            let (seed, one_in) = (n[1], n[2]);
            refuse(Plan::Random { seed, one_in });
            workload::run(n[0] as usize, 200, Threads::EndWithIt);
        }) else {
            return;
        };
        assert!(!e.timed_out, "seed {seed}, one in {one_in}: {e}");
        if e.status == Some(0) {
            complete(&e);
            whole += 1;
        } else {
            let known = WORDS.iter().position(|words| e.stderr.contains(words));
            let known = known.unwrap_or_else(|| panic!("{procs} {seed} {one_in}: {e}"));
            by_words[known] += 1;
        }
        seed += 1;
    }
    println!("{whole} came to their end");
    for (count, words) in by_words.iter().zip(WORDS).filter(|(count, _)| **count > 0) {
        println!("{count} ended with {words:?}");
    }
    assert!(whole > 0);
}

fn main() {
    bare::main_within(
        4 * LIMIT + soak(),
        &[
            (
                PLAIN,
                a_plain_program_runs_under_every_limit_of_address_space,
            ),
            (MORE, more_goroutines_than_stacks_wait_for_one),
            (NOBODY, no_stack_and_nobody_to_give_one_back_ends_with_words),
            (
                NEVER,
                a_stack_of_a_size_that_cannot_be_had_is_an_error_of_spawn,
            ),
            (SPARE, without_spare_threads_a_program_goes_on),
            (
                WATCHER,
                a_deadlock_is_told_though_the_watcher_s_thread_is_refused,
            ),
            (LATER, a_thread_that_is_given_later_is_used),
            (
                OVER,
                who_blocks_after_its_slice_does_not_stop_those_without_spare_threads,
            ),
            (NONE, without_any_thread_it_ends_with_gos_words),
            (
                STUCK,
                when_only_locked_threads_are_left_it_ends_with_gos_words,
            ),
            (AT_RANDOM, refused_at_random_nothing_is_lost),
        ],
    );
}
