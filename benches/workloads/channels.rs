//! Messages of one word. Not measured: large ones, and what a receiver does with them.

use std::time::Duration;

use super::channel::{Receiver, Sender, bounded, select, unbounded};
use super::{spawn, start};
use crate::workloads::timed;

/// An operation: one turn, a send that a receiver waits for, in a pair of tasks. No buffer.
pub(in crate::workloads) fn ping_pong(n: u64) -> Duration {
    timed(|| pair(n))
}

/// The same with 100 pairs at once.
pub(in crate::workloads) fn ping_pong_100(n: u64) -> Duration {
    timed(|| {
        let pairs: Vec<_> = (0..100)
            .map(|_| spawn(move || pair(n.div_ceil(100))))
            .collect();
        pairs.into_iter().for_each(|pair| pair.join().unwrap());
    })
}

fn pair(turns: u64) {
    let ((ping, at_pong), (pong, at_ping)) = (bounded(0), bounded(0));
    let rounds = turns.div_ceil(2);
    let other = spawn(move || {
        at_pong
            .iter()
            .for_each(|turn: u64| pong.send(turn).unwrap())
    });
    for round in 0..rounds {
        ping.send(round).unwrap();
        assert_eq!(at_ping.recv(), Ok(round));
    }
    drop(ping);
    other.join().unwrap();
}

/// An operation: a message from one task to another, which has room for 128.
pub(in crate::workloads) fn spsc_128(n: u64) -> Duration {
    transfer(n, 1, bounded(128))
}

/// No bound. (Go: as much room as there are messages.)
pub(in crate::workloads) fn spsc_unbounded(n: u64) -> Duration {
    transfer(n, 1, unbounded())
}

/// Four tasks send and four receive.
pub(in crate::workloads) fn mpmc_128(n: u64) -> Duration {
    transfer(n, 4, bounded(128))
}

pub(in crate::workloads) fn mpmc_unbounded(n: u64) -> Duration {
    transfer(n, 4, unbounded())
}

fn transfer(n: u64, tasks: u64, (to, from): (Sender<u64>, Receiver<u64>)) -> Duration {
    timed(|| {
        for first in 0..tasks {
            let to = to.clone();
            start(move || {
                (first..n)
                    .step_by(tasks as usize)
                    .for_each(|i| to.send(i).unwrap());
            });
        }
        drop(to);
        let receive = |_| {
            let from = from.clone();
            spawn(move || from.iter().sum::<u64>())
        };
        let sums: Vec<_> = (0..tasks).map(receive).collect();
        let sum: u64 = sums.into_iter().map(|sum| sum.join().unwrap()).sum();
        assert_eq!(sum, n * n.saturating_sub(1) / 2);
    })
}

/// An operation: one of four channels, each with a sender of its own and room for 16, is chosen.
pub(in crate::workloads) fn select_4(n: u64) -> Duration {
    let each = n.div_ceil(4);
    timed(|| {
        let source = |_| {
            let (to, from) = bounded(16);
            start(move || (0..each).for_each(|i| to.send(i).unwrap_or(())));
            from
        };
        let [a, b, c, d]: [Receiver<u64>; 4] = std::array::from_fn(source);
        let (mut got, mut ended) = (0, 0);
        while got < n - n % 4 && ended < 4 {
            let one = select! {
                recv(a) -> one => one,
                recv(b) -> one => one,
                recv(c) -> one => one,
                recv(d) -> one => one,
            };
            match one {
                Ok(_) => got += 1,
                Err(_) => ended += 1,
            }
        }
    })
}
