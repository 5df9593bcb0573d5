//! `park` and `unpark`: pairs of tasks that hand a turn to each other. Go has neither; its
//! programs hand it over through unbuffered channels. Not measured: waking a sleeping OS thread,
//! unless two Ps take the two halves of a pair, which Go's rule (wake into the waker's
//! `runnext`) avoids.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use super::timed;

/// An operation: one turn (unpark the other, park). One pair.
pub(super) fn ping_pong(n: u64) -> Duration {
    timed(|| pair(n))
}

/// The same with 100 pairs at once; an operation is one turn of one of them.
pub(super) fn ping_pong_100(n: u64) -> Duration {
    timed(|| {
        let spawn = |_| gosched::thread::spawn(move || pair(n.div_ceil(100)));
        let pairs: Vec<_> = (0..100).map(spawn).collect();
        pairs.into_iter().for_each(|h| h.join().unwrap());
    })
}

fn pair(turns: u64) {
    use gosched::thread::{current, park, spawn};
    let ping = current();
    let rounds = turns.div_ceil(2);
    let pong = spawn(move || {
        for _ in 0..rounds {
            park();
            ping.unpark();
        }
    });
    for _ in 0..rounds {
        pong.thread().unpark();
        park();
    }
    pong.join().unwrap();
}

pub(super) fn ping_pong_threads(n: u64) -> Duration {
    timed(|| pair_of_threads(n))
}

pub(super) fn ping_pong_100_threads(n: u64) -> Duration {
    timed(|| {
        let spawn = |_| std::thread::spawn(move || pair_of_threads(n.div_ceil(100)));
        let pairs: Vec<_> = (0..100).map(spawn).collect();
        pairs.into_iter().for_each(|h| h.join().unwrap());
    })
}

/// std's `park` may come back early, so a flag says whose turn it is.
fn pair_of_threads(turns: u64) {
    use std::thread::{current, park, scope};
    let turn_of_pong = AtomicBool::new(false);
    let wait_for = |pong: bool| {
        while turn_of_pong.load(Relaxed) != pong {
            park();
        }
    };
    let ping = current();
    let rounds = turns.div_ceil(2);
    scope(|s| {
        let pong = s.spawn(|| {
            for _ in 0..rounds {
                wait_for(true);
                turn_of_pong.store(false, Relaxed);
                ping.unpark();
            }
        });
        for _ in 0..rounds {
            turn_of_pong.store(true, Relaxed);
            pong.thread().unpark();
            wait_for(false);
        }
    });
}
