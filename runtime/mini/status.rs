//! The status word of a goroutine: who owns it, and how a waker and a sleeper never miss each other.
//!
//! A goroutine *announces* that it will park before anybody can find it, its M *commits* the park
//! after the goroutine has left its stack, and a waker that comes in between turns it around.
//!
//! The full runtime: `runtime/g/status.rs`. Go: proc.go casgstatus.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use crate::prim::AtomicU32;

// [states]
/// In a run queue; nobody is on its stack.
const RUNNABLE: u32 = 0;
/// On an M.
const RUNNING: u32 = 1;
/// Has said that it will park, and is still on its stack.
const PARKING: u32 = 2;
/// Parked: off its stack, in no run queue. It belongs to whoever will wake it.
const WAITING: u32 = 3;
/// Was woken before it was off its stack.
const READIED: u32 = 4;

/// Who puts the goroutine into a run queue?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Enqueue {
    Mine,
    NotMine,
}
// [/states]

pub(crate) struct Status(AtomicU32);

impl Status {
    pub(crate) fn new() -> Status {
        Status(AtomicU32::new(RUNNABLE))
    }

    /// An M has taken it out of a queue.
    pub(crate) fn run(&self) {
        self.step(RUNNABLE, RUNNING);
    }

    /// Its M will put it back into a queue.
    pub(crate) fn yielded(&self) {
        self.step(RUNNING, RUNNABLE);
    }

    /// By the goroutine itself, before any waker can find it.
    pub(crate) fn announce_park(&self) {
        self.step(RUNNING, PARKING);
    }

    // [commit]
    /// A step that nobody else can take. What it changes is published by a queue or a lock.
    fn step(&self, from: u32, to: u32) {
        let was = self.0.load(Relaxed);
        assert_eq!(was, from, "a goroutine is not where it should be");
        self.0.store(to, Relaxed);
    }

    /// By its M, after the switch: the stack is saved.
    pub(crate) fn commit_park(&self) -> Enqueue {
        // Release pairs(park-commit): the waker's Acquire, so the next M finds the stack saved.
        // Acquire pairs(park-commit): the early waker's Release.
        match self.0.compare_exchange(PARKING, WAITING, AcqRel, Acquire) {
            Ok(_) => Enqueue::NotMine,
            Err(_) => {
                self.step(READIED, RUNNABLE);
                Enqueue::Mine
            }
        }
    }

    /// By its one waker.
    pub(crate) fn ready(&self) -> Enqueue {
        // Acquire pairs(park-commit): the commit's Release. Release pairs(park-commit): the
        // commit's Acquire.
        match self.0.compare_exchange(PARKING, READIED, AcqRel, Acquire) {
            Ok(_) => Enqueue::NotMine, // its M will see that
            Err(_) => {
                self.step(WAITING, RUNNABLE);
                Enqueue::Mine
            }
        }
    }
    // [/commit]
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicU32;

    /// The waker comes before or after the commit: exactly one of the two enqueues, and never
    /// before the stack was saved.
    #[test]
    fn a_waker_and_a_commit_never_miss_each_other() {
        loom::model(|| {
            let g = Arc::new((Status::new(), AtomicU32::new(0), AtomicU32::new(0)));
            let (status, saved, enqueued) = (&g.0, &g.1, &g.2);
            status.run();
            status.announce_park();
            let other = Arc::clone(&g);
            let waker = loom::thread::spawn(move || {
                if other.0.ready() == Enqueue::Mine {
                    assert_eq!(other.1.load(Relaxed), 1, "woken on a stack in use");
                    other.2.fetch_add(1, Relaxed);
                }
            });
            saved.store(1, Relaxed); // the switch
            if status.commit_park() == Enqueue::Mine {
                enqueued.fetch_add(1, Relaxed);
            }
            waker.join().unwrap();
            assert_eq!(enqueued.load(Relaxed), 1);
        });
    }
}
