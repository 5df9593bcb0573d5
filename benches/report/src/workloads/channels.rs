//! Tasks that talk through channels. Compiled for goroutines, for mini and for OS threads (see
//! `workloads/mod.rs`).

use super::channel::{Receiver, Sender, bounded};
use super::thread;
use crate::gauge::look;
use crate::outcome::{Outcome, check, sum_below, timed};

/// The value grows by one at each turn.
pub(crate) fn ping_pong(n: u64) -> Outcome {
    let ((ping, to_pong), (pong, to_ping)) = (bounded(0), bounded(0));
    timed(|| {
        let other = thread::spawn(move || {
            for value in to_pong {
                pong.send(value + 1).unwrap();
            }
        });
        look();
        let mut value = 0;
        for _ in 0..n / 2 {
            ping.send(value + 1).unwrap();
            value = to_ping.recv().unwrap();
        }
        drop(ping);
        other.join().unwrap();
        check(value, n / 2 * 2);
        value
    })
}

pub(crate) fn pipe(n: u64) -> Outcome {
    cross(n, 1)
}

pub(crate) fn crossing(n: u64) -> Outcome {
    cross(n, 4)
}

/// So many tasks at each end of one channel.
fn cross(n: u64, tasks: u64) -> Outcome {
    let (s, r) = bounded(128);
    let n = n / tasks * tasks;
    timed(|| {
        let receiver = |_| {
            let r: Receiver<u64> = r.clone();
            thread::spawn(move || r.iter().sum::<u64>())
        };
        let receivers: Vec<_> = (0..tasks).map(receiver).collect();
        for first in 0..tasks {
            let s = s.clone();
            let mine = (first..n).step_by(tasks as usize);
            thread::spawn(move || mine.for_each(|i| s.send(i).unwrap()));
        }
        look();
        drop(s);
        let sum = receivers.into_iter().map(|h| h.join().unwrap()).sum();
        check(sum, sum_below(n));
        n
    })
}

/// The first 100 primes, again and again: each prime's task lets through what it does not
/// divide. The hundredth is checked.
pub(crate) fn sieve(n: u64) -> Outcome {
    timed(|| {
        let mut hops = 0;
        while hops < n {
            hops += sieve_of(100, 541);
        }
        hops
    })
}

/// Answers how many values were received by all.
fn sieve_of(primes: u64, last: u64) -> u64 {
    let (s, mut r) = bounded(0);
    let mut tasks = vec![thread::spawn(move || {
        (2u64..).take_while(|&i| s.send(i).is_ok()).for_each(drop);
        0
    })];
    let mut prime = 0;
    for _ in 0..primes {
        prime = r.recv().unwrap();
        let (s, next) = bounded(0);
        let before = std::mem::replace(&mut r, next);
        tasks.push(thread::spawn(move || filter(prime, &before, &s)));
    }
    look();
    drop(r); // the last one's send fails, then that of the one before, and so on
    check(prime, last);
    primes + tasks.into_iter().map(|h| h.join().unwrap()).sum::<u64>()
}

fn filter(prime: u64, from: &Receiver<u64>, to: &Sender<u64>) -> u64 {
    let mut hops = 0;
    for i in from {
        hops += 1;
        if !i.is_multiple_of(prime) && to.send(i).is_err() {
            break;
        }
    }
    hops
}

/// Each link waits for a value from the right, adds one and passes it to the left.
pub(crate) fn daisy(n: u64) -> Outcome {
    timed(|| {
        let (s, left_end) = bounded(0);
        let mut left: Sender<u64> = s;
        for _ in 0..n {
            let (s, right) = bounded(0);
            let to = std::mem::replace(&mut left, s);
            thread::spawn(move || to.send(right.recv().unwrap() + 1).unwrap());
        }
        look();
        left.send(0).unwrap();
        check(left_end.recv().unwrap(), n);
        n
    })
}
