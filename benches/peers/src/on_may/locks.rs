//! Mutex and RwLock of may; operations as in `benches/workloads`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use may::coroutine::yield_now;
use may::sync::{Mutex, RwLock};

use super::spawn;
use crate::workloads::{scaled, timed};

const TASKS: u64 = 8;

pub(super) fn find(id: &str) -> Option<fn(u64) -> Duration> {
    Some(match id {
        "mutex/uncontended" => uncontended,
        "mutex/contended" => |n| contended(n, || ()),
        "mutex/hand_over" => |n| contended(n, yield_now),
        "rwlock/read_mostly" => |n| read_and_write(n, 100),
        "rwlock/rare_writes" => |n| read_and_write(n, 1000),
        _ => return None,
    })
}

fn uncontended(n: u64) -> Duration {
    let m = Mutex::new(0);
    let took = timed(|| (0..n).for_each(|_| *black_box(&m).lock().unwrap() += 1));
    assert_eq!(m.into_inner().unwrap(), n);
    took
}

fn contended(n: u64, inside: fn()) -> Duration {
    let m = Arc::new(Mutex::new(0));
    let each = n.div_ceil(TASKS);
    let took = timed(|| {
        let task = |_| {
            let m = Arc::clone(&m);
            spawn(move || {
                for _ in 0..each {
                    let mut held = m.lock().unwrap();
                    *held += 1;
                    inside();
                }
            })
        };
        let all: Vec<_> = (0..TASKS).map(task).collect();
        all.into_iter().for_each(|h| h.join().unwrap());
    });
    assert_eq!(*m.lock().unwrap(), each * TASKS);
    scaled(took, each * TASKS, n)
}

fn read_and_write(n: u64, every: u64) -> Duration {
    let lock = Arc::new(RwLock::new(0));
    let each = n.div_ceil(TASKS);
    let took = timed(|| {
        let task = |_| {
            let lock = Arc::clone(&lock);
            spawn(move || {
                for i in 0..each {
                    if i % every == 0 {
                        *lock.write().unwrap() += 1;
                    } else {
                        black_box(*lock.read().unwrap());
                    }
                }
            })
        };
        let all: Vec<_> = (0..TASKS).map(task).collect();
        all.into_iter().for_each(|h| h.join().unwrap());
    });
    assert_eq!(*lock.read().unwrap(), each.div_ceil(every) * TASKS);
    scaled(took, each * TASKS, n)
}
