//! Sleepers, readers, and a group that meets again and again.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use gosched::sync::WaitGroup;

use super::{RwLock, channel, scope, sleep, start};
use crate::workloads::{scaled, timed};

const TASKS: u64 = 8;

/// An operation: one of `n` tasks that sleep 10 ms, all at once. The clock shows 10 ms and what
/// is late; the CPU time shows what a sleep costs, with the task around it.
pub(in crate::workloads) fn sleepers(n: u64) -> Duration {
    let done = Arc::new(WaitGroup::new());
    timed(|| {
        done.add(n as isize);
        for _ in 0..n {
            let done = Arc::clone(&done);
            start(move || {
                sleep(Duration::from_millis(10));
                done.done();
            });
        }
        done.wait();
    })
}

/// An operation: a lock of an `RwLock` by one of 8 tasks; one in a hundred is to write.
pub(in crate::workloads) fn read_mostly(n: u64) -> Duration {
    read_and_write(n, 100)
}

/// The same; one in a thousand is to write.
pub(in crate::workloads) fn rare_writes(n: u64) -> Duration {
    read_and_write(n, 1000)
}

fn read_and_write(n: u64, every: u64) -> Duration {
    let (lock, each) = (RwLock::new(0), n.div_ceil(TASKS));
    let took = timed(|| {
        scope(|s| {
            for _ in 0..TASKS {
                s.spawn(|| {
                    for i in 0..each {
                        if i % every == 0 {
                            *lock.write().unwrap() += 1;
                        } else {
                            black_box(*lock.read().unwrap());
                        }
                    }
                });
            }
        });
    });
    assert_eq!(lock.into_inner().unwrap(), each.div_ceil(every) * TASKS);
    scaled(took, each * TASKS, n)
}

/// An operation: one of `n` tasks that wait for one channel, and are all woken by its end. From the
/// end of the channel to the last word of the last task.
pub(in crate::workloads) fn wake_all(n: u64) -> Duration {
    let (to, door) = channel::bounded::<()>(0);
    let (arrived, left) = (Arc::new(WaitGroup::new()), Arc::new(WaitGroup::new()));
    arrived.add(n as isize);
    left.add(n as isize);
    for _ in 0..n {
        let (door, arrived, left) = (door.clone(), Arc::clone(&arrived), Arc::clone(&left));
        start(move || {
            arrived.done();
            assert!(door.recv().is_err());
            left.done();
        });
    }
    arrived.wait();
    sleep(Duration::from_millis(1)); // the last ones get from `done` to `recv`
    timed(|| {
        drop(to);
        left.wait();
    })
}

/// An operation: a round, 8 tasks started and waited for.
pub(in crate::workloads) fn rounds_of_8(n: u64) -> Duration {
    let group = Arc::new(WaitGroup::new());
    timed(|| {
        for _ in 0..n {
            group.add(TASKS as isize);
            for _ in 0..TASKS {
                let group = Arc::clone(&group);
                start(move || group.done());
            }
            group.wait();
        }
    })
}
