//! Channels of may, none of which has a bound; operations as in `benches/workloads`.

use std::time::Duration;

use may::sync::{mpmc, spsc};

use super::{hundred, spawn};
use crate::workloads::{scaled, sieve_size, timed};

pub(super) fn find(id: &str) -> Option<fn(u64) -> Duration> {
    Some(match id {
        "chan/ping_pong" => |n| timed(|| pair(n)),
        "chan/ping_pong_100" => |n| hundred(n, pair),
        "chan/spsc_unbounded" => one_to_one,
        "chan/mpmc_unbounded" => four_to_four,
        "net/sieve" => sieve,
        "net/daisy" => daisy,
        "net/skynet" => skynet,
        _ => return None,
    })
}

fn pair(turns: u64) {
    let ((ping, at_pong), (pong, at_ping)) = (spsc::channel(), spsc::channel());
    let other = spawn(move || {
        while let Ok(turn) = at_pong.recv() {
            pong.send(turn).unwrap();
        }
    });
    for round in 0..turns.div_ceil(2) {
        ping.send(round).unwrap();
        assert_eq!(at_ping.recv().unwrap(), round);
    }
    drop(ping);
    other.join().unwrap();
}

fn one_to_one(n: u64) -> Duration {
    timed(|| {
        let (to, from) = spsc::channel();
        spawn(move || (0..n).for_each(|i| to.send(i).unwrap()));
        let receiver = spawn(move || (0..n).map(|_| from.recv().unwrap()).sum::<u64>());
        assert_eq!(receiver.join().unwrap(), n * n.saturating_sub(1) / 2);
    })
}

fn four_to_four(n: u64) -> Duration {
    timed(|| {
        let (to, from) = mpmc::channel();
        for first in 0..4 {
            let to = to.clone();
            spawn(move || (first..n).step_by(4).for_each(|i| to.send(i).unwrap()));
        }
        drop(to);
        let receiver = |_| {
            let from = from.clone();
            spawn(move || from.iter().sum::<u64>())
        };
        let all: Vec<_> = (0..4).map(receiver).collect();
        let sum: u64 = all.into_iter().map(|h| h.join().unwrap()).sum();
        assert_eq!(sum, n * n.saturating_sub(1) / 2);
    })
}

/// With nothing to hold it back the source runs far ahead: it stops at the last prime.
fn sieve(n: u64) -> Duration {
    let (count, last, hops) = sieve_size(n);
    let took = timed(|| {
        let (to, mut end) = spsc::channel();
        spawn(move || (2..=last).for_each(|i| _ = to.send(i)));
        let mut prime = 0;
        for _ in 0..count {
            prime = end.recv().unwrap();
            let (to, next) = spsc::channel();
            let from = std::mem::replace(&mut end, next);
            spawn(move || {
                while let Ok(i) = from.recv() {
                    if i % prime != 0 && to.send(i).is_err() {
                        return;
                    }
                }
            });
        }
        assert_eq!(prime, last);
    });
    scaled(took, hops, n)
}

fn daisy(n: u64) -> Duration {
    timed(|| {
        let (mut to, first) = spsc::channel();
        for _ in 0..n {
            let (next_to, from) = spsc::channel();
            let to = std::mem::replace(&mut to, next_to);
            spawn(move || to.send(from.recv().unwrap() + 1).unwrap());
        }
        to.send(0).unwrap();
        assert_eq!(first.recv().unwrap(), n);
    })
}

fn skynet(n: u64) -> Duration {
    let leaves = 10u64.pow(n.max(1).ilog10());
    let took = timed(|| {
        let (to, sum) = mpmc::channel();
        spawn(move || node(&to, 0, leaves));
        assert_eq!(sum.recv().unwrap(), leaves * (leaves - 1) / 2);
    });
    scaled(took, (leaves * 10 - 1) / 9, n)
}

fn node(up: &mpmc::Sender<u64>, first: u64, leaves: u64) {
    if leaves == 1 {
        return up.send(first).unwrap();
    }
    let (to, sums) = mpmc::channel();
    for child in 0..10 {
        let (to, size) = (to.clone(), leaves / 10);
        spawn(move || node(&to, first + child * size, size));
    }
    up.send((0..10).map(|_| sums.recv().unwrap()).sum())
        .unwrap();
}
