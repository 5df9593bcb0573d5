//! Tasks without channels: spawn, join, yield, mutex. Compiled for goroutines, for mini and for OS
//! threads (see `workloads/mod.rs`).

use super::sync::{Arc, Mutex};
use super::thread;
use crate::gauge::look;
use crate::outcome::{Outcome, check, sum_below, timed};

/// Each task gives its number back.
pub(crate) fn spawn(n: u64) -> Outcome {
    batches(n, |i| i)
}

/// `n` tasks, 1000 at a time. Each gives back what `task` makes of its number, which must be the number: their
/// sum is checked.
pub(crate) fn batches(n: u64, task: impl Fn(u64) -> u64 + Copy + Send + 'static) -> Outcome {
    const BATCH: u64 = 1000;
    let mut handles = Vec::with_capacity(BATCH as usize);
    let mut sum = 0;
    let outcome = timed(|| {
        for start in (0..n).step_by(BATCH as usize) {
            let batch = start..n.min(start + BATCH);
            handles.extend(batch.map(|i| thread::spawn(move || task(i))));
            if start == 0 {
                look();
            }
            sum += handles.drain(..).map(|h| h.join().unwrap()).sum::<u64>();
        }
        n
    });
    check(sum, sum_below(n));
    outcome
}

/// Fibonacci, a task for each left branch. The largest tree with at most `n` forks.
pub(crate) fn fork_join(n: u64) -> Outcome {
    fn leaves(k: u32) -> u64 {
        if k < 2 {
            return 1;
        }
        let left = thread::spawn(move || leaves(k - 1));
        let right = leaves(k - 2);
        right + left.join().unwrap()
    }
    let (mut k, mut now, mut next) = (2, 2, 3);
    while next - 1 <= n {
        (k, now, next) = (k + 1, next, now + next);
    }
    timed(|| {
        let all = thread::spawn(move || leaves(k));
        thread::yield_now();
        look();
        check(all.join().unwrap(), now);
        now - 1
    })
}

pub(crate) fn yields(n: u64) -> Outcome {
    const TASKS: u64 = 500;
    let each = n / TASKS;
    timed(|| {
        let task = move || {
            let mut count = 0;
            while count < each {
                thread::yield_now();
                count += 1;
            }
            count
        };
        let tasks: Vec<_> = (0..TASKS).map(|_| thread::spawn(task)).collect();
        look();
        let all = tasks.into_iter().map(|h| h.join().unwrap()).sum();
        check(all, each * TASKS);
        all
    })
}

pub(crate) fn mutex(n: u64) -> Outcome {
    const TASKS: u64 = 8;
    let m = Arc::new(Mutex::new(0));
    timed(|| {
        let task = |_| {
            let m = Arc::clone(&m);
            thread::spawn(move || (0..n / TASKS).for_each(|_| *m.lock().unwrap() += 1))
        };
        let tasks: Vec<_> = (0..TASKS).map(task).collect();
        look();
        tasks.into_iter().for_each(|h| h.join().unwrap());
        let all = *m.lock().unwrap();
        check(all, n / TASKS * TASKS);
        all
    })
}
