//! Birth, first run and end of goroutines. Not measured: what is the same for all tasks, such as
//! the work they do, and first touches of memory: after the first thousand all Gs and stacks are
//! used again.

use std::sync::Arc;
use std::time::Duration;

use gosched::sync::WaitGroup;

use super::{scaled, timed};

const BATCH: u64 = 1000;

/// An operation: `spawn` an empty closure, `join` it; in batches of 1000. The first join waits,
/// and its wake-up goes in front of the others: so every join waits, and costs two switches more
/// than `wait` below.
pub(super) fn join(n: u64) -> Duration {
    let mut handles = Vec::with_capacity(BATCH as usize);
    timed(|| {
        for start in (0..n).step_by(BATCH as usize) {
            let batch = BATCH.min(n - start);
            handles.extend((0..batch).map(|_| gosched::thread::spawn(|| ())));
            handles.drain(..).for_each(|h| h.join().unwrap());
        }
    })
}

pub(super) fn join_threads(n: u64) -> Duration {
    let mut handles = Vec::with_capacity(BATCH as usize);
    timed(|| {
        for start in (0..n).step_by(BATCH as usize) {
            let batch = BATCH.min(n - start);
            handles.extend((0..batch).map(|_| std::thread::spawn(|| ())));
            handles.drain(..).for_each(|h| h.join().unwrap());
        }
    })
}

/// An operation: start an empty task and wait for it; 1000 are waited for at a time, by one
/// `WaitGroup`.
pub(super) fn wait(n: u64) -> Duration {
    in_batches(n, BATCH, |done| gosched::go(move || done.done()))
}

pub(super) fn wait_threads(n: u64) -> Duration {
    in_batches(n, BATCH, |done| {
        drop(std::thread::spawn(move || done.done()))
    })
}

/// An operation: one of `n` tasks that are started all at once and do nothing but `done`. They
/// pile up in the global queue when they are started faster than they are run.
pub(super) fn burst(n: u64) -> Duration {
    in_batches(n, n, |done| gosched::go(move || done.done()))
}

pub(super) fn burst_threads(n: u64) -> Duration {
    in_batches(n, n, |done| drop(std::thread::spawn(move || done.done())))
}

/// `n` tasks, `size` of them at a time. `start` is compiled in, it is not called by a pointer.
fn in_batches(n: u64, size: u64, start: impl Fn(Arc<WaitGroup>)) -> Duration {
    let done = Arc::new(WaitGroup::new());
    timed(|| {
        for first in (0..n).step_by(size as usize) {
            let batch = size.min(n - first);
            done.add(batch as isize);
            (0..batch).for_each(|_| start(Arc::clone(&done)));
            done.wait();
        }
    })
}

/// Fork and join in a tree: `fib(k)` forks `fib(k - 1)`. An operation: one fork with its join.
/// `k` is the largest with at most `n` forks; most tasks wait for another one.
pub(super) fn fib(n: u64) -> Duration {
    fn fib(k: u32) -> u64 {
        if k < 2 {
            return 1;
        }
        let left = gosched::thread::spawn(move || fib(k - 1));
        fib(k - 2) + left.join().unwrap()
    }
    let (k, forks) = fib_size(n);
    scaled(timed(|| assert_eq!(fib(k), forks + 1)), forks, n)
}

pub(super) fn fib_threads(n: u64) -> Duration {
    fn fib(k: u32) -> u64 {
        if k < 2 {
            return 1;
        }
        let left = std::thread::spawn(move || fib(k - 1));
        fib(k - 2) + left.join().unwrap()
    }
    let (k, forks) = fib_size(n.min(4_000)); // they are all alive at once
    scaled(timed(|| assert_eq!(fib(k), forks + 1)), forks, n)
}

/// The largest tree with at most `n` forks (but at least one).
pub(super) fn fib_size(n: u64) -> (u32, u64) {
    let (mut k, mut leaves, mut next) = (2, 2, 3);
    while next - 1 <= n {
        (k, leaves, next) = (k + 1, next, leaves + next);
    }
    (k, leaves - 1)
}
