//! What is measured: every workload on goroutines and, beside it, the same code on OS threads.
//!
//! A workload does `n` operations and answers how long they took; what an operation is stands at
//! its function. `benches/suite.rs` gives them to criterion, `benches/compare.rs` runs them beside
//! the Go programs of `benches/peers/go`, which have the same ids and the same `n`.
//!
//! Those that `runtime/mini` can run are in `mini.rs`.
//!
//! They are made to find regressions and to compare schedulers, not to foretell what a real
//! program gains: every one repeats a single operation with hot caches and an idle machine.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

mod goroutines;
pub(crate) mod mini;
mod mutex;
mod park;
mod spawn;
mod stack;
mod steal;
mod threads;
mod yielding;

/// Does so many operations; answers the time they took.
pub(crate) type Work = fn(u64) -> Duration;

#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// As in `spawn/join`; criterion adds `/p1`, `/p2`, `/std`.
    pub(crate) id: &'static str,
    pub(crate) goroutines: Work,
    pub(crate) threads: Work,
    /// Operations of a run in `compare`: about a tenth of a second.
    pub(crate) n: u64,
    /// The same for threads, which take longer.
    pub(crate) threads_n: u64,
}

/// GOMAXPROCS of the measurements. More than the machine has CPUs measures the kernel.
pub(crate) const PROCS: [usize; 2] = [1, 2];

pub(crate) const ROWS: &[Row] = &[
    row(
        "spawn/join",
        spawn::join,
        spawn::join_threads,
        500_000,
        4_000,
    ),
    row(
        "spawn/wait",
        spawn::wait,
        spawn::wait_threads,
        500_000,
        4_000,
    ),
    row(
        "spawn/burst",
        spawn::burst,
        spawn::burst_threads,
        1_000_000,
        4_000,
    ),
    row("spawn/fib", spawn::fib, spawn::fib_threads, 121_393, 1_597),
    row(
        "yield/1000",
        yielding::crowd,
        yielding::crowd_threads,
        2_000_000,
        100_000,
    ),
    row(
        "yield/alone",
        yielding::alone,
        yielding::alone_threads,
        2_000_000,
        200_000,
    ),
    row(
        "yield/pair",
        yielding::pair,
        yielding::pair_threads,
        2_000_000,
        200_000,
    ),
    row(
        "park/ping_pong",
        park::ping_pong,
        park::ping_pong_threads,
        500_000,
        10_000,
    ),
    row(
        "park/ping_pong_100",
        park::ping_pong_100,
        park::ping_pong_100_threads,
        500_000,
        10_000,
    ),
    row(
        "mutex/uncontended",
        mutex::uncontended,
        mutex::uncontended_threads,
        10_000_000,
        10_000_000,
    ),
    row(
        "mutex/contended",
        mutex::contended,
        mutex::contended_threads,
        5_000_000,
        5_000_000,
    ),
    row(
        "mutex/hand_over",
        mutex::hand_over,
        mutex::hand_over_threads,
        200_000,
        10_000,
    ),
    row(
        "steal/balance",
        steal::balance,
        steal::balance_threads,
        100_000,
        4_000,
    ),
    row(
        "stack/recycle",
        stack::recycle,
        stack::recycle_threads,
        500_000,
        4_000,
    ),
    row("stack/new", stack::new, stack::new_threads, 100_000, 2_000),
    row(
        "chan/ping_pong",
        goroutines::channels::ping_pong,
        threads::channels::ping_pong,
        500_000,
        10_000,
    ),
    row(
        "chan/ping_pong_100",
        goroutines::channels::ping_pong_100,
        threads::channels::ping_pong_100,
        500_000,
        10_000,
    ),
    row(
        "chan/spsc_128",
        goroutines::channels::spsc_128,
        threads::channels::spsc_128,
        3_000_000,
        1_000_000,
    ),
    row(
        "chan/spsc_unbounded",
        goroutines::channels::spsc_unbounded,
        threads::channels::spsc_unbounded,
        3_000_000,
        1_000_000,
    ),
    row(
        "chan/mpmc_128",
        goroutines::channels::mpmc_128,
        threads::channels::mpmc_128,
        3_000_000,
        1_000_000,
    ),
    row(
        "chan/mpmc_unbounded",
        goroutines::channels::mpmc_unbounded,
        threads::channels::mpmc_unbounded,
        3_000_000,
        1_000_000,
    ),
    row(
        "chan/select_4",
        goroutines::channels::select_4,
        threads::channels::select_4,
        1_000_000,
        50_000,
    ),
    row(
        "net/sieve",
        goroutines::networks::sieve,
        threads::networks::sieve,
        500_000,
        20_000,
    ),
    row(
        "net/daisy",
        goroutines::networks::daisy,
        threads::networks::daisy,
        50_000,
        2_000,
    ),
    row(
        "net/skynet",
        goroutines::networks::skynet,
        threads::networks::skynet,
        111_111,
        1_111,
    ),
    row(
        "sleep/crowd",
        goroutines::meetings::sleepers,
        threads::meetings::sleepers,
        100_000,
        2_000,
    ),
    row(
        "rwlock/read_mostly",
        goroutines::meetings::read_mostly,
        threads::meetings::read_mostly,
        5_000_000,
        5_000_000,
    ),
    row(
        "rwlock/rare_writes",
        goroutines::meetings::rare_writes,
        threads::meetings::rare_writes,
        5_000_000,
        5_000_000,
    ),
    row(
        "wake/all",
        goroutines::meetings::wake_all,
        threads::meetings::wake_all,
        200_000,
        2_000,
    ),
    row(
        "wait/8",
        goroutines::meetings::rounds_of_8,
        threads::meetings::rounds_of_8,
        50_000,
        500,
    ),
];

const fn row(id: &'static str, goroutines: Work, threads: Work, n: u64, threads_n: u64) -> Row {
    Row {
        id,
        goroutines,
        threads,
        n,
        threads_n,
    }
}

/// `work` on `procs` Ps, in a goroutine.
pub(crate) fn on_goroutines(work: Work, procs: usize, n: u64) -> Duration {
    // SAFETY: no workload keeps a value that is tied to an OS thread across a wait.
    unsafe {
        gosched::run(|| {
            gosched::gomaxprocs(procs);
            work(n)
        })
    }
}

pub(crate) fn timed(f: impl FnOnce()) -> Duration {
    let start = Instant::now();
    f();
    start.elapsed()
}

/// What the last workload that could not do exactly `n` operations did instead.
static DID: AtomicU64 = AtomicU64::new(0);

/// How many operations a workload has done that was asked for `n`.
#[allow(dead_code, reason = "for compare.rs")]
pub(crate) fn operations(n: u64) -> u64 {
    match DID.load(Relaxed) {
        0 => n,
        did => did,
    }
}

/// For a workload that could not do exactly `n` operations: the time that `n` would have taken.
pub(crate) fn scaled(took: Duration, did: u64, n: u64) -> Duration {
    DID.store(did, Relaxed);
    took.mul_f64(n as f64 / did as f64)
}

/// How many primes, the last of them, and the hops through the sieve that all numbers to it
/// take: at least `n`.
pub(crate) fn sieve_size(n: u64) -> (usize, u32, u64) {
    let (mut primes, mut hops) = (Vec::new(), 0);
    for i in 2.. {
        let factor = primes.iter().position(|p| i % p == 0);
        hops += 1 + factor.unwrap_or(primes.len()) as u64;
        if factor.is_none() {
            primes.push(i);
            if hops >= n {
                return (primes.len(), i, hops);
            }
        }
    }
    unreachable!("there is always another prime")
}
