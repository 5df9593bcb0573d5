//! The status word of a goroutine: the only file of the core that changes one (preemption has more
//! states: `ext/stopped.rs`).
//!
//! Each state says who owns the G and its stack. Parking is announced *before* the waiter is
//! published (`PARKING`), committed only after the goroutine has left its stack (`WAITING`); a
//! waker that comes in between makes it `READIED`. So no waker ever sees a half-saved goroutine,
//! and no wake-up is lost: see `core/sched/README.md#park-commit`.
//!
//! Go: runtime2.go _Grunnable ..., proc.go casgstatus.
#![forbid(unsafe_code)]

use crate::core::base::atomic::AtomicU32;
use crate::core::base::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::core::sys::fatal::fatal;

/// In a run queue. The queue's owner holds the G; no thread runs on its stack.
pub(crate) const RUNNABLE: u32 = 1;
/// On an M, which owns G and stack.
pub(crate) const RUNNING: u32 = 2;
/// Announced a park, still on its own stack. Owned by its M; in no queue.
pub(crate) const PARKING: u32 = 3;
/// Parked. Owned by the waker that has the right to wake it; in no run queue.
pub(crate) const WAITING: u32 = 4;
/// Woken before it left its stack. Owned by its M, which puts it back into a queue.
pub(crate) const READIED: u32 = 5;
/// Unused: in a free list, or not yet spawned.
pub(crate) const DEAD: u32 = 6;
/// What the caller of a transition has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Enqueue {
    /// The G is runnable, and the caller must put it into a run queue.
    Mine,
    /// Another thread has it, or will enqueue it.
    NotMine,
}

#[derive(Debug)]
pub(crate) struct Status(pub(crate) AtomicU32);

impl Status {
    pub(crate) fn dead() -> Status {
        Status(AtomicU32::new(DEAD))
    }

    /// The G of a foreign thread is RUNNING from the start.
    pub(crate) fn set_running_thread(&self) {
        self.0.store(RUNNING, Relaxed);
    }

    /// Spawned: the spawner will put it into a queue, which publishes the store.
    pub(crate) fn spawned(&self) {
        self.step_relaxed(DEAD, RUNNABLE, "spawn");
    }

    /// An M took it from a queue and is about to run it.
    #[inline]
    pub(crate) fn run(&self) {
        self.step_relaxed(RUNNABLE, RUNNING, "run");
    }

    /// Running -> runnable: yielded; its M puts it into a queue.
    #[inline]
    pub(crate) fn yielded(&self) {
        self.step_relaxed(RUNNING, RUNNABLE, "yield");
    }

    /// Its body has ended; its M recycles it.
    #[inline]
    pub(crate) fn died(&self) {
        self.step_relaxed(RUNNING, DEAD, "exit");
    }

    /// Called by the goroutine itself, before it publishes the waiter: from here on `ready` is legal.
    #[inline]
    pub(crate) fn announce_park(&self) {
        self.step_relaxed(RUNNING, PARKING, "announce_park");
    }

    /// Called by the goroutine itself, when it found that it need not wait, and no waker was promised.
    #[inline]
    pub(crate) fn cancel_park(&self) {
        self.step_relaxed(PARKING, RUNNING, "cancel_park");
    }

    /// On the M's stack, after the switch. `Mine`: a waker came first, so the caller enqueues the
    /// G.
    #[inline]
    #[must_use]
    pub(crate) fn commit_park(&self) -> Enqueue {
        // Release pairs(park-commit): ready's Acquire, so the next M sees the saved stack.
        // Acquire pairs(park-commit): the early waker's Release.
        if self
            .0
            .compare_exchange(PARKING, WAITING, AcqRel, Acquire)
            .is_ok()
        {
            return Enqueue::NotMine;
        }
        self.step_relaxed(READIED, RUNNABLE, "commit_park");
        Enqueue::Mine
    }

    /// At most once for each park, by the waker that owns the wait. `Mine`: put it into a queue.
    #[inline]
    #[must_use]
    pub(crate) fn ready(&self) -> Enqueue {
        // Acquire pairs(park-commit): commit_park's Release.
        if self.0.load(Acquire) != WAITING {
            // Release pairs(park-commit): commit_park's Acquire.
            match self.0.compare_exchange(PARKING, READIED, AcqRel, Acquire) {
                Ok(_) => return Enqueue::NotMine,
                Err(WAITING) => (),
                Err(s) => fatal!("ready: goroutine is not waiting (status {s})"),
            }
        }
        // Nobody but the one waker changes WAITING: a plain store.
        self.0.store(RUNNABLE, Release); // pairs(park-commit): the queue publishes it as well
        Enqueue::Mine
    }

    /// A transition by the only owner; what it publishes is published by a queue or a lock.
    #[inline]
    pub(crate) fn step_relaxed(&self, from: u32, to: u32, verb: &str) {
        let was = self.0.load(Relaxed);
        if was != from {
            fatal!("{verb}: bad goroutine status {was}, expected {from}");
        }
        self.0.store(to, Relaxed);
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize;

    /// The waker may come before or after the commit: exactly one side enqueues.
    #[test]
    fn ready_before_commit_turns_the_goroutine_around() {
        loom::model(|| {
            let g = Arc::new((Status::dead(), AtomicUsize::new(0), AtomicUsize::new(0)));
            g.0.spawned();
            g.0.run();
            g.0.announce_park();
            let waker = Arc::clone(&g);
            let t = loom::thread::spawn(move || {
                if waker.0.ready() == Enqueue::Mine {
                    assert_eq!(waker.2.load(Relaxed), 1, "the stack was saved before");
                    waker.1.fetch_add(1, Relaxed);
                }
            });
            g.2.store(1, Relaxed); // the switch: the stack is saved
            if g.0.commit_park() == Enqueue::Mine {
                g.1.fetch_add(1, Relaxed);
            }
            t.join().unwrap();
            assert_eq!(g.1.load(Relaxed), 1, "enqueued exactly once");
            assert_eq!(g.0.0.load(Relaxed), RUNNABLE);
        });
    }
}
