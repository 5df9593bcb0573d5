//! Tasks with real work: where is the break-even? Compiled for goroutines, for mini and for OS threads
//! (see `workloads/mod.rs`).

use super::channel::bounded;
use super::tasks::batches;
use super::thread;
use crate::compute::{compute, micros};
use crate::gauge::look;
use crate::outcome::{Outcome, check, sum_below, timed};

/// Tasks that compute for so many microseconds each.
fn tasks(n: u64, length: u64) -> Outcome {
    let count = micros(length);
    batches(n, move |i| {
        compute(count);
        i
    })
}

pub(crate) fn us_1(n: u64) -> Outcome {
    tasks(n, 1)
}

pub(crate) fn us_10(n: u64) -> Outcome {
    tasks(n, 10)
}

pub(crate) fn us_100(n: u64) -> Outcome {
    tasks(n, 100)
}

/// Nothing but computing.
pub(crate) fn computing(n: u64) -> Outcome {
    const TASKS: u64 = 8;
    let (count, each) = (micros(1), n / TASKS + 1);
    timed(|| {
        let task = move || {
            (0..each).for_each(|_| compute(count));
            each
        };
        let tasks: Vec<_> = (0..TASKS).map(|_| thread::spawn(task)).collect();
        look();
        let all = tasks.into_iter().map(|h| h.join().unwrap()).sum();
        check(all, each * TASKS);
        all
    })
}

/// Two workers take jobs from a channel: the pool that people write by hand.
pub(crate) fn workers(n: u64) -> Outcome {
    let count = micros(1);
    timed(|| {
        let (jobs, todo) = bounded::<u64>(128);
        let work = |_| {
            let todo = todo.clone();
            thread::spawn(move || {
                let done = todo.into_iter().inspect(|_| compute(count));
                done.sum::<u64>()
            })
        };
        let workers: Vec<_> = (0..2).map(work).collect();
        look();
        for job in 0..n {
            let _ = jobs.send(job);
        }
        drop(jobs);
        let all = workers.into_iter().map(|h| h.join().unwrap()).sum();
        check(all, sum_below(n));
        n
    })
}
