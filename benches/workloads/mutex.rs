//! Lock and unlock. Not measured: long critical sections, where the starvation mode would show.

use std::hint::black_box;
use std::thread;
use std::time::Duration;

use super::{scaled, timed};

const TASKS: u64 = 8;

/// An operation: lock, add one, unlock; nobody else wants it.
pub(super) fn uncontended(n: u64) -> Duration {
    let m = gosched::sync::Mutex::new(0);
    timed(|| {
        for _ in 0..n {
            *black_box(&m).lock().unwrap() += 1;
        }
    })
}

pub(super) fn uncontended_threads(n: u64) -> Duration {
    let m = std::sync::Mutex::new(0);
    timed(|| {
        for _ in 0..n {
            *black_box(&m).lock().unwrap() += 1;
        }
    })
}

/// The same in 8 tasks on one mutex. With one P only a preempted holder makes the others wait;
/// with two, two really meet.
pub(super) fn contended(n: u64) -> Duration {
    let m = gosched::sync::Mutex::new(0);
    let took = timed(|| {
        gosched::thread::scope(|s| {
            for _ in 0..TASKS {
                s.spawn(|| (0..n.div_ceil(TASKS)).for_each(|_| *m.lock().unwrap() += 1));
            }
        });
    });
    scaled(took, m.into_inner().unwrap(), n)
}

pub(super) fn contended_threads(n: u64) -> Duration {
    let m = std::sync::Mutex::new(0);
    let took = timed(|| {
        thread::scope(|s| {
            for _ in 0..TASKS {
                s.spawn(|| (0..n.div_ceil(TASKS)).for_each(|_| *m.lock().unwrap() += 1));
            }
        });
    });
    scaled(took, m.into_inner().unwrap(), n)
}

/// 8 tasks that yield while they hold it, so that the others must wait in its queue: an
/// operation is a lock that most likely blocks.
pub(super) fn hand_over(n: u64) -> Duration {
    let m = gosched::sync::Mutex::new(0);
    let took = timed(|| {
        gosched::thread::scope(|s| {
            for _ in 0..TASKS {
                s.spawn(|| {
                    for _ in 0..n.div_ceil(TASKS) {
                        let mut held = m.lock().unwrap();
                        *held += 1;
                        gosched::thread::yield_now();
                    }
                });
            }
        });
    });
    scaled(took, m.into_inner().unwrap(), n)
}

pub(super) fn hand_over_threads(n: u64) -> Duration {
    let m = std::sync::Mutex::new(0);
    let took = timed(|| {
        thread::scope(|s| {
            for _ in 0..TASKS {
                s.spawn(|| {
                    for _ in 0..n.div_ceil(TASKS) {
                        let mut held = m.lock().unwrap();
                        *held += 1;
                        thread::yield_now();
                    }
                });
            }
        });
    });
    scaled(took, m.into_inner().unwrap(), n)
}
