//! `yield_now`: leave the stack, go to the tail of the global queue, be picked again. Not
//! measured: what the caller's caches lose; the tasks touch nothing.

use std::thread;
use std::time::Duration;

use super::{scaled, timed};

/// An operation: one yield among 1000 tasks that only yield.
pub(super) fn crowd(n: u64) -> Duration {
    let each = n.div_ceil(1000);
    let took = timed(|| {
        let spawn = |_| gosched::thread::spawn(move || yields(each));
        let all: Vec<_> = (0..1000).map(spawn).collect();
        all.into_iter().for_each(|h| h.join().unwrap());
    });
    scaled(took, each * 1000, n)
}

/// With 100 threads.
pub(super) fn crowd_threads(n: u64) -> Duration {
    let each = n.div_ceil(100);
    let took = timed(|| {
        let spawn = |_| thread::spawn(move || (0..each).for_each(|_| thread::yield_now()));
        let all: Vec<_> = (0..100).map(spawn).collect();
        all.into_iter().for_each(|h| h.join().unwrap());
    });
    scaled(took, each * 100, n)
}

/// An operation: one yield of the only goroutine there is.
pub(super) fn alone(n: u64) -> Duration {
    timed(|| yields(n))
}

pub(super) fn alone_threads(n: u64) -> Duration {
    timed(|| (0..n).for_each(|_| thread::yield_now()))
}

/// An operation: one yield of two goroutines that only yield.
pub(super) fn pair(n: u64) -> Duration {
    let each = n.div_ceil(2);
    let took = timed(|| {
        let other = gosched::thread::spawn(move || yields(each));
        yields(each);
        other.join().unwrap();
    });
    scaled(took, each * 2, n)
}

pub(super) fn pair_threads(n: u64) -> Duration {
    let each = n.div_ceil(2);
    let yields = move || (0..each).for_each(|_| thread::yield_now());
    let took = timed(|| {
        let other = thread::spawn(yields);
        yields();
        other.join().unwrap();
    });
    scaled(took, each * 2, n)
}

fn yields(n: u64) {
    for _ in 0..n {
        gosched::thread::yield_now();
    }
}
