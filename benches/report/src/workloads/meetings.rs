//! A barrier, and a choice of channels: what mini has not. Compiled for goroutines and for OS
//! threads (see `workloads/mod.rs`).

use super::channel::{bounded, select};
use super::sync::{Arc, Barrier};
use super::thread;
use crate::gauge::look;
use crate::outcome::{Outcome, check, sum_below, timed};

/// Each round has one leader, whoever came last: their number is checked.
pub(crate) fn barrier(n: u64) -> Outcome {
    const TASKS: usize = 8;
    let barrier = Arc::new(Barrier::new(TASKS));
    timed(|| {
        let task = |_| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || (0..n).filter(|_| barrier.wait().is_leader()).count() as u64)
        };
        let tasks: Vec<_> = (0..TASKS).map(task).collect();
        look();
        let leaders = tasks.into_iter().map(|h| h.join().unwrap()).sum();
        check(leaders, n);
        leaders
    })
}

pub(crate) fn select_of_4(n: u64) -> Outcome {
    let n = n / 4 * 4;
    timed(|| {
        let channels = [(); 4].map(|()| bounded(16));
        for (first, (s, _)) in channels.iter().enumerate() {
            let s = s.clone(); // the other one keeps the channel open: a closed one is always ready
            let mine = (first as u64..n).step_by(4);
            thread::spawn(move || mine.for_each(|i| s.send(i).unwrap()));
        }
        look();
        let [a, b, c, d] = channels.each_ref().map(|(_, r)| r);
        let mut sum = 0;
        for _ in 0..n {
            sum += select! {
                recv(a) -> value => value,
                recv(b) -> value => value,
                recv(c) -> value => value,
                recv(d) -> value => value,
            }
            .unwrap();
        }
        check(sum, sum_below(n));
        n
    })
}
