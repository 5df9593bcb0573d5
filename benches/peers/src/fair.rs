//! Hogs, blocking calls, sleepers, thieves, and memory: on gosched and on may, whose functions
//! have the same names; `on_tokio/fair.rs` is the same with `async`, `go/extra` for Go.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::{Mutex, blocking, sleep, spawn};
use crate::extra::{MILLISECOND, NAP, OVER, hog, ideal, late, work};
use crate::resident::resident;

pub(crate) fn run(id: &str, procs: usize, n: u64) -> Option<f64> {
    match id {
        "fair/hogs" => Some(beside(2 * procs, n, hog)),
        "fair/blocking" => Some(beside(2 * procs, n, blocker)),
        "gap/undeclared" => Some(gap(n, || std::thread::sleep(NAP))),
        "gap/declared" => Some(gap(n, || blocking(|| std::thread::sleep(NAP)))),
        "sleep/accuracy" => Some(accuracy(n)),
        "steal/unbalanced" => Some(unbalanced(procs, n)),
        "memory/parked" => Some(parked(n)),
        _ => None,
    }
}

/// A sleeper beside so many others: how late it is woken, on average.
fn beside(others: usize, n: u64, other: fn()) -> f64 {
    let others: Vec<_> = (0..others).map(|_| spawn(other)).collect();
    let mean = spawn(move || {
        let mean = sleeps(n);
        OVER.store(true, Relaxed);
        mean
    });
    let mean = mean.join().unwrap();
    others.into_iter().for_each(|other| other.join().unwrap());
    mean
}

/// Blocks its thread again and again, as a system call does.
fn blocker() {
    while !OVER.load(Relaxed) {
        blocking(|| std::thread::sleep(5 * MILLISECOND));
    }
}

fn sleeps(n: u64) -> f64 {
    let sleep = |_| {
        let began = Instant::now();
        sleep(MILLISECOND);
        late(began)
    };
    (0..n).map(sleep).sum::<f64>() / n as f64
}

/// The longest time between two ticks of a task that sleeps a millisecond at a time, in
/// microseconds, beside one that blocks its thread `n` times.
fn gap(n: u64, block: fn()) -> f64 {
    let ticker = spawn(|| {
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        while !OVER.load(Relaxed) {
            sleep(MILLISECOND);
            let now = Instant::now();
            longest = longest.max(now - last);
            last = now;
        }
        longest
    });
    sleep(20 * MILLISECOND);
    for _ in 0..n {
        block();
        sleep(5 * MILLISECOND);
    }
    OVER.store(true, Relaxed);
    ticker.join().unwrap().as_micros() as f64
}

/// A hundred sleepers and nothing else.
fn accuracy(n: u64) -> f64 {
    let all: Vec<_> = (0..100).map(|_| spawn(move || sleeps(n))).collect();
    all.into_iter().map(|one| one.join().unwrap()).sum::<f64>() / 100.0
}

/// Tasks of a microsecond, all started by one: their time, as a multiple of the ideal.
fn unbalanced(procs: usize, n: u64) -> f64 {
    let ideal = ideal(n, procs);
    let count = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let task = |_| {
        let count = Arc::clone(&count);
        spawn(move || {
            work();
            count.fetch_add(1, Relaxed);
        })
    };
    let all: Vec<_> = (0..n).map(task).collect();
    all.into_iter().for_each(|one| one.join().unwrap());
    let took = began.elapsed();
    assert_eq!(count.load(Relaxed), n);
    took.as_secs_f64() / ideal.as_secs_f64()
}

/// Bytes of resident memory for each of `n` tasks that wait for a mutex.
fn parked(n: u64) -> f64 {
    let shared = Arc::new((Mutex::new(()), AtomicU64::new(0)));
    let held = shared.0.lock().unwrap();
    let before = resident().unwrap();
    let task = |_| {
        let shared = Arc::clone(&shared);
        spawn(move || {
            shared.1.fetch_add(1, Relaxed);
            drop(shared.0.lock().unwrap());
        })
    };
    let all: Vec<_> = (0..n).map(task).collect();
    while shared.1.load(Relaxed) < n {
        sleep(MILLISECOND);
    }
    let bytes = (resident().unwrap() - before) / n as f64;
    drop(held);
    all.into_iter().for_each(|one| one.join().unwrap());
    bytes
}
