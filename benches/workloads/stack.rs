//! Stacks: taken from the P's cache, and new ones. Not measured: growth, which is the kernel's
//! page faults, and deep calls.

use std::sync::Arc;
use std::time::Duration;

use gosched::sync::WaitGroup;

use super::timed;

/// An operation: start a goroutine and yield to it, so that it runs on the stack that the last
/// one left. What remains of `spawn/join` without a queue.
pub(super) fn recycle(n: u64) -> Duration {
    timed(|| {
        for _ in 0..n {
            gosched::thread::spawn(|| ()).join().unwrap();
        }
    })
}

pub(super) fn recycle_threads(n: u64) -> Duration {
    timed(|| {
        for _ in 0..n {
            std::thread::spawn(|| ()).join().unwrap();
        }
    })
}

/// An operation: a goroutine that parks and is not let go before the end, so each needs another
/// stack. Only the first run in a process sees really new ones (a page fault each, and page
/// tables); later runs find those of the runs before in the depot.
pub(super) fn new(n: u64) -> Duration {
    let groups = Arc::new([const { WaitGroup::new() }; 3]);
    let took = timed(|| {
        let [arrived, door, _] = &*groups;
        door.add(1);
        arrived.add(n as isize);
        for _ in 0..n {
            let groups = Arc::clone(&groups);
            gosched::go(move || stay(&groups));
        }
        arrived.wait();
    });
    let_go(&groups, n);
    took
}

pub(super) fn new_threads(n: u64) -> Duration {
    let n_now = n.min(4_000); // they are all alive at once
    let groups = Arc::new([const { WaitGroup::new() }; 3]);
    let took = timed(|| {
        let [arrived, door, _] = &*groups;
        door.add(1);
        arrived.add(n_now as isize);
        for _ in 0..n_now {
            let groups = Arc::clone(&groups);
            std::thread::spawn(move || stay(&groups));
        }
        arrived.wait();
    });
    let_go(&groups, n_now);
    super::scaled(took, n_now, n)
}

fn stay([arrived, door, left]: &[WaitGroup; 3]) {
    arrived.done();
    door.wait();
    left.done();
}

fn let_go([_, door, left]: &[WaitGroup; 3], n: u64) {
    left.add(n as isize);
    door.done();
    left.wait();
}
