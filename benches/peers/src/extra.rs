//! What all systems measure alike, beyond the workloads of `benches/workloads`.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);

/// How long a task blocks its thread beside a ticker.
pub(crate) const NAP: Duration = Duration::from_millis(200);

/// Says to hogs and blockers that the measurement is over.
pub(crate) static OVER: AtomicBool = AtomicBool::new(false);

/// Computes until the measurement is over; never waits, never yields.
pub(crate) fn hog() {
    let mut x = 1;
    while !OVER.load(Relaxed) {
        x = black_box(step(x));
    }
}

/// About a microsecond of computing, as `steal/balance` does it.
pub(crate) fn work() {
    black_box((0..500).fold(black_box(1), |x, _| step(x)));
}

fn step(mut x: u64) -> u64 {
    x ^= x << 13;
    x ^= x >> 7;
    x ^ (x << 17)
}

/// By how much a sleep of a millisecond that began then was longer, in nanoseconds. Never less.
pub(crate) fn late(began: Instant) -> f64 {
    let took = began.elapsed();
    assert!(took >= MILLISECOND, "woken early, after {took:?}");
    (took - MILLISECOND).as_nanos() as f64
}

/// What `n` tasks would take on `procs` processors, if starting and moving them cost nothing.
pub(crate) fn ideal(n: u64, procs: usize) -> Duration {
    let began = Instant::now();
    (0..n).for_each(|_| work());
    began.elapsed() / procs as u32
}
