//! A program that does a little of everything, and counts: what was begun ends, or was refused.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use gosched::{Builder, channel, stack, thread};

static BEGUN: AtomicU64 = AtomicU64::new(0);
static ENDED: AtomicU64 = AtomicU64::new(0);
static SENT: AtomicU64 = AtomicU64::new(0);
static RECEIVED: AtomicU64 = AtomicU64::new(0);
static REFUSED: AtomicU64 = AtomicU64::new(0);

/// What becomes of threads to which a goroutine was locked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    Stay,
    EndWithIt,
}

/// Runs it, and says how it went.
pub(crate) fn run(procs: usize, goroutines: u64, threads: Threads) {
    // SAFETY: nothing is tied to a thread.
    unsafe {
        Builder::new()
            .procs(procs)
            .run(|| everything(goroutines, threads))
    };
    let [begun, ended, sent, received, refused] =
        [&BEGUN, &ENDED, &SENT, &RECEIVED, &REFUSED].map(|n| n.load(Relaxed));
    println!("counts: {begun} {ended} {sent} {received} {refused}");
}

fn everything(goroutines: u64, threads: Threads) {
    let (tx, rx) = channel::bounded::<u64>(3);
    let sum = begin(0, move || {
        for value in rx {
            RECEIVED.fetch_add(value, Relaxed);
        }
    });
    let mut all = Vec::new();
    for i in 1..=goroutines {
        let tx = tx.clone();
        all.extend(begin(0, move || {
            one(i, threads);
            SENT.fetch_add(i, Relaxed);
            let _ = tx.send(i);
        }));
        if i % 64 == 0 {
            gosched::trim();
        }
    }
    drop(tx);
    all.into_iter().for_each(|handle| handle.join().unwrap());
    sum.into_iter().for_each(|handle| handle.join().unwrap());
}

/// A goroutine, if the system has one.
fn begin(stack: usize, f: impl FnOnce() + Send + 'static) -> Option<thread::JoinHandle<()>> {
    let mut builder = thread::Builder::new();
    if stack != 0 {
        builder = builder.stack_size(stack);
    }
    let begun = builder.spawn(move || {
        f();
        ENDED.fetch_add(1, Relaxed);
    });
    match begun {
        Ok(handle) => {
            BEGUN.fetch_add(1, Relaxed);
            Some(handle)
        }
        Err(_) => {
            REFUSED.fetch_add(1, Relaxed);
            None
        }
    }
}

fn one(i: u64, threads: Threads) {
    match i % 8 {
        0 => thread::sleep(Duration::from_micros(300)),
        // In the kernel: its P goes to another thread.
        1 => std::thread::sleep(Duration::from_millis(1)),
        2 => (0..10).for_each(|_| thread::yield_now()),
        3 => {
            let inner = begin(2 << 20, thread::yield_now);
            inner.into_iter().for_each(|handle| handle.join().unwrap());
        }
        4 => {
            let grown = || stack::grow(usize::MAX, 300 << 10, thread::yield_now);
            if catch_unwind(AssertUnwindSafe(grown)).is_err() {
                REFUSED.fetch_add(1, Relaxed);
            }
        }
        5 if i.is_multiple_of(3) => {
            gosched::lock_os_thread();
            (0..3).for_each(|_| thread::yield_now());
            if threads == Threads::Stay {
                gosched::unlock_os_thread();
            }
        }
        6 => drop(std::hint::black_box(vec![i; 100_000])),
        _ => {
            let begin = std::time::Instant::now();
            while begin.elapsed() < Duration::from_micros(200) {
                std::hint::spin_loop();
            }
        }
    }
}
