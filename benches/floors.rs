//! Physical things by themselves, without a scheduler: what a row of `docs/benchmarks.md` cannot get
//! below.
//!
//! ```text
//! cargo bench --bench floors                 nanoseconds, medians and lowest of seven
//! cargo bench --bench floors -- --only stack --rounds 15
//! ```
//!
//! The two-thread rows need two CPUs that have nothing else to do.
#![allow(unsafe_code, reason = "stacks and pages of its own")]

use std::convert::Infallible;
use std::hint::{black_box, spin_loop};
use std::num::NonZeroUsize;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, fence};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use corosensei::stack::{Stack, StackPointer};
use corosensei::{Coroutine, CoroutineResult, Yielder};

/// What a row cannot get below.
#[derive(Parser)]
struct Args {
    /// Only those with this in their names
    #[arg(long, default_value = "")]
    only: String,
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

/// Answers nanoseconds an operation.
type Floor = (&'static str, fn() -> f64);

const FLOORS: &[Floor] = &[
    ("stack: a switch there and back, 1 coroutine", || {
        switches(1)
    }),
    ("stack: the same, 2 in turn", || switches(2)),
    ("stack: the same, 1,000 in turn", || switches(1_000)),
    ("stack: the same, 20,000 in turn", || switches(20_000)),
    ("page: the first touch of a stack's page", first_touch),
    ("page: the same, and a guard", first_touch_and_guard),
    ("lines: 1 line on each of 200,000 pages", || lines(1)),
    ("lines: 6 lines on each", || lines(6)),
    ("lines: 12 lines on each", || lines(12)),
    ("word: add, plain", || {
        alone(|word| word.store(word.load(Relaxed) + 1, Relaxed))
    }),
    ("word: add, locked", || {
        alone(|word| _ = word.fetch_add(1, Relaxed))
    }),
    ("ring of 128: a message, plain stores", || messages(Plain)),
    ("ring of 128: a message, under a lock word", || {
        messages(Locked)
    }),
    ("malloc: 2 blocks of 96 bytes, 25 pairs alive", || blocks(2)),
    ("malloc: 1 block of 96 bytes, 25 alive", || blocks(1)),
    ("2 threads: add and subtract at one word", || {
        readers(Readers::OneWord)
    }),
    ("2 threads: a word each, and a look at a writer", || {
        readers(Readers::WordEach)
    }),
    ("1 thread: add and subtract at one word", || {
        readers(Readers::Alone)
    }),
    ("1 thread: its word, and a look at a writer", || {
        readers(Readers::AloneWithLook)
    }),
    (
        "2 threads: a word with the turn goes to and fro, a turn",
        turns,
    ),
    ("2 threads: std's mutex, lock and unlock", std_mutex),
];

fn main() {
    let args = Args::parse();
    println!("| what | nanoseconds | lowest |\n|---|---|---|");
    for (name, floor) in FLOORS.iter().filter(|(name, _)| name.contains(&args.only)) {
        let mut all: Vec<f64> = (0..args.rounds).map(|_| floor()).collect();
        all.sort_by(f64::total_cmp);
        println!("| {name} | {:.1} | {:.1} |", all[all.len() / 2], all[0]);
    }
}

fn per(took: Duration, n: usize) -> f64 {
    took.as_nanos() as f64 / n as f64
}

/// Memory that nobody has touched.
fn fresh(bytes: usize) -> usize {
    let (access, kind) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
    );
    // SAFETY: a new mapping, wherever the kernel likes.
    let at = unsafe { libc::mmap(ptr::null_mut(), bytes, access, kind, -1, 0) };
    assert_ne!(at, libc::MAP_FAILED, "no memory");
    // SAFETY: our own mapping. As the runtime: each stack's page by itself.
    unsafe { libc::madvise(at, bytes, libc::MADV_NOHUGEPAGE) };
    at.addr()
}

fn unmap(at: usize, bytes: usize) {
    // SAFETY: a mapping of `fresh`, which nobody uses any more.
    unsafe { libc::munmap(at as *mut libc::c_void, bytes) };
}

/// As far apart as the runtime's stacks are.
const STEP: usize = (256 + 4) << 10;
const PAGE: usize = 4096;

struct Piece {
    bottom: usize,
}

// SAFETY: mapped, writable, aligned to pages; no guard below, which nobody here needs.
unsafe impl Stack for Piece {
    fn base(&self) -> StackPointer {
        NonZeroUsize::new(self.bottom + STEP - PAGE).expect("not at 0")
    }
    fn limit(&self) -> StackPointer {
        NonZeroUsize::new(self.bottom).expect("not at 0")
    }
}

/// Coroutines that do nothing but go back.
fn switches(coroutines: usize) -> f64 {
    type Co = Coroutine<(), (), Infallible, Piece>;
    let memory = fresh(coroutines * STEP);
    let run = |yielder: &Yielder<(), ()>, ()| loop {
        yielder.suspend(());
    };
    let new = |i| {
        Co::with_stack(
            Piece {
                bottom: memory + i * STEP,
            },
            run,
        )
    };
    let mut all: Vec<Co> = (0..coroutines).map(new).collect();
    let mut round = || {
        for co in &mut all {
            match co.resume(()) {
                CoroutineResult::Yield(()) => (),
                CoroutineResult::Return(never) => match never {},
            }
        }
    };
    round(); // the pages are there
    let rounds = (1_000_000 / coroutines).max(10);
    let start = Instant::now();
    (0..rounds).for_each(|_| round());
    let took = per(start.elapsed(), rounds * coroutines);
    for co in &mut all {
        // SAFETY: nothing in its frames has to be dropped.
        unsafe { co.force_reset() };
    }
    drop(all);
    unmap(memory, coroutines * STEP);
    took
}

const STACKS: usize = 50_000;

fn touch(address: usize) {
    // SAFETY: in a mapping of ours.
    unsafe { (address as *mut u8).write_volatile(1) };
}

fn first_touch() -> f64 {
    let memory = fresh(STACKS * STEP);
    let start = Instant::now();
    (0..STACKS).for_each(|i| touch(memory + i * STEP));
    let took = per(start.elapsed(), STACKS);
    unmap(memory, STACKS * STEP);
    took
}

/// With a call for each guard. (The runtime makes 32 in a call.)
fn first_touch_and_guard() -> f64 {
    const GUARD_INSTALL: i32 = 102; // MADV_GUARD_INSTALL, Linux 6.13
    let memory = fresh(STACKS * STEP);
    let start = Instant::now();
    for i in 0..STACKS {
        let at = memory + i * STEP;
        // SAFETY: a page of our own mapping.
        let done = unsafe { libc::madvise(at as *mut libc::c_void, PAGE, GUARD_INSTALL) };
        black_box(done);
        touch(at + STEP - PAGE);
    }
    let took = per(start.elapsed(), STACKS);
    unmap(memory, STACKS * STEP);
    took
}

/// As a goroutine that wakes up: lines from the top of its page down, one after the other.
fn lines(each: usize) -> f64 {
    const PAGES: usize = 200_000;
    let memory = fresh(PAGES * STEP);
    let line = |page, line| memory + page * STEP + PAGE - 64 * (line + 1);
    for page in 0..PAGES {
        (0..each).for_each(|l| touch(line(page, l)));
    }
    let start = Instant::now();
    for page in 0..PAGES {
        for l in 0..each {
            // SAFETY: in our mapping.
            black_box(unsafe { (line(page, l) as *const u8).read_volatile() });
        }
    }
    let took = per(start.elapsed(), PAGES);
    unmap(memory, PAGES * STEP);
    took
}

const N: usize = 2_000_000;

fn alone(f: impl Fn(&AtomicUsize)) -> f64 {
    let word = AtomicUsize::new(0);
    let start = Instant::now();
    (0..N).for_each(|_| f(black_box(&word)));
    per(start.elapsed(), N)
}

/// How a message gets in or out.
trait Guard {
    fn with(&self, word: &AtomicU32, f: impl FnOnce());
}

struct Plain;
struct Locked;

impl Guard for Plain {
    fn with(&self, word: &AtomicU32, f: impl FnOnce()) {
        if black_box(word).load(Relaxed) == 0 {
            word.store(1, Relaxed);
            f();
            word.store(0, Relaxed);
        }
    }
}

/// As the channels' lock: a compare-and-swap, and a swap that sees whether somebody waits.
impl Guard for Locked {
    fn with(&self, word: &AtomicU32, f: impl FnOnce()) {
        if black_box(word)
            .compare_exchange(0, 1, Acquire, Relaxed)
            .is_ok()
        {
            f();
            word.swap(0, Release);
        }
    }
}

/// 128 in, 128 out, by one thread. An operation: one of each.
fn messages(guard: impl Guard) -> f64 {
    let (word, mut ring, mut sum) = (AtomicU32::new(0), [0_usize; 128], 0);
    let start = Instant::now();
    for first in (0..N).step_by(128) {
        for (i, place) in ring.iter_mut().enumerate() {
            guard.with(&word, || *black_box(place) = first + i);
        }
        for place in &ring {
            guard.with(&word, || sum += *black_box(place));
        }
    }
    black_box(sum);
    per(start.elapsed(), N)
}

/// As in a fork-join tree: last made, first freed.
fn blocks(each: usize) -> f64 {
    const ALIVE: usize = 25;
    let mut alive = Vec::with_capacity(ALIVE * each);
    let rounds = N / ALIVE / 4;
    let start = Instant::now();
    for _ in 0..rounds {
        alive.extend((0..ALIVE * each).map(|i| Box::new([i; 12])));
        black_box(&mut alive);
        while let Some(last) = alive.pop() {
            drop(last);
        }
    }
    per(start.elapsed(), rounds * ALIVE)
}

#[derive(Clone, Copy)]
enum Readers {
    Alone,
    AloneWithLook,
    OneWord,
    WordEach,
}

#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicUsize);

/// What two threads that both read under a lock do to its words. An operation: one lock and unlock by
/// one of them.
fn readers(how: Readers) -> f64 {
    let (words, writer): ([Line; 2], Line) = Default::default();
    let reads = |own: &AtomicUsize, look: bool| {
        for _ in 0..N {
            own.fetch_add(1, Acquire);
            if look {
                fence(SeqCst); // the writer sets its word, and then looks at these
                assert_eq!(writer.0.load(Acquire), 0);
            }
            own.fetch_sub(1, Release);
        }
    };
    match how {
        Readers::Alone => in_turn(1, |_| reads(&words[0].0, false)),
        Readers::AloneWithLook => in_turn(1, |_| reads(&words[0].0, true)),
        Readers::OneWord => in_turn(2, |_| reads(&words[0].0, false)),
        Readers::WordEach => in_turn(2, |i| reads(&words[i].0, true)),
    }
}

/// `f` by so many threads at once, N times each.
fn in_turn(threads: usize, f: impl Fn(usize) + Sync) -> f64 {
    let begin = Barrier::new(threads);
    let took: Vec<Duration> = thread::scope(|s| {
        let run = |i| {
            let (begin, f) = (&begin, &f);
            s.spawn(move || {
                begin.wait();
                let start = Instant::now();
                f(i);
                start.elapsed()
            })
        };
        let all: Vec<_> = (0..threads).map(run).collect();
        all.into_iter()
            .map(|t| t.join().expect("it ends"))
            .collect()
    });
    per(took.into_iter().max().unwrap_or_default(), N * threads)
}

fn turns() -> f64 {
    const TURNS: usize = 200_000;
    let (turn, over) = (Line::default(), AtomicBool::new(false));
    let start = Instant::now();
    thread::scope(|s| {
        for me in 0..2 {
            let (turn, over) = (&turn, &over);
            s.spawn(move || {
                while !over.load(Relaxed) {
                    let now = turn.0.load(Acquire);
                    if now >= TURNS {
                        over.store(true, Relaxed);
                    } else if now % 2 == me {
                        turn.0.store(now + 1, Release);
                    } else {
                        spin_loop();
                    }
                }
            });
        }
    });
    per(start.elapsed(), TURNS)
}

fn std_mutex() -> f64 {
    let sum = Mutex::new(0_usize);
    in_turn(2, |_| {
        for _ in 0..N {
            *sum.lock().expect("nobody panics") += 1;
        }
    })
}
