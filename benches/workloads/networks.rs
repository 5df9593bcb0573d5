//! Many tasks, joined by channels without buffers. Not measured: work in the tasks.

use std::time::Duration;

use super::channel::{Receiver, Sender, bounded};
use super::start;
use crate::workloads::{scaled, sieve_size, timed};

/// An operation: a number comes one filter further in the prime sieve, a chain of a filter a
/// prime. As many primes as take about `n` of them.
pub(in crate::workloads) fn sieve(n: u64) -> Duration {
    let (count, last, hops) = sieve_size(n);
    let took = timed(|| {
        let (to, mut end) = bounded(0);
        start(move || _ = (2..).try_for_each(|i| to.send(i)));
        let mut prime = 0;
        for _ in 0..count {
            prime = end.recv().unwrap();
            let (to, next) = bounded(0);
            let from = std::mem::replace(&mut end, next);
            start(move || filter(prime, &from, &to));
        }
        assert_eq!(prime, last);
    });
    scaled(took, hops, n)
}

fn filter(prime: u32, from: &Receiver<u32>, to: &Sender<u32>) {
    for i in from {
        if i % prime != 0 && to.send(i).is_err() {
            return;
        }
    }
}

/// An operation: a task more in a chain, each of which adds one to what it gets from the next.
/// All are alive before the first number comes.
pub(in crate::workloads) fn daisy(n: u64) -> Duration {
    timed(|| {
        let (to, first) = bounded(0);
        let mut to: Sender<u64> = to;
        for _ in 0..n {
            let (next_to, from) = bounded(0);
            let to = std::mem::replace(&mut to, next_to);
            start(move || to.send(from.recv().unwrap() + 1).unwrap());
        }
        to.send(0).unwrap();
        assert_eq!(first.recv(), Ok(n));
    })
}

/// An operation: a task in a tree, each of which starts ten others and adds up what they send.
/// The largest tree with at most `n` leaves.
pub(in crate::workloads) fn skynet(n: u64) -> Duration {
    let leaves = 10u64.pow(n.max(1).ilog10());
    let took = timed(|| {
        let (to, sum) = bounded(0);
        start(move || node(&to, 0, leaves));
        assert_eq!(sum.recv(), Ok(leaves * (leaves - 1) / 2));
    });
    scaled(took, (leaves * 10 - 1) / 9, n)
}

fn node(up: &Sender<u64>, first: u64, leaves: u64) {
    if leaves == 1 {
        return up.send(first).unwrap();
    }
    let (to, sums) = bounded(0);
    for child in 0..10 {
        let (to, size) = (to.clone(), leaves / 10);
        start(move || node(&to, first + child * size, size));
    }
    up.send(sums.iter().take(10).sum()).unwrap();
}
