//! The status word of a goroutine: the only file that changes one.
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
const RUNNABLE: u32 = 1;
/// On an M, which owns G and stack.
const RUNNING: u32 = 2;
/// Announced a park, still on its own stack. Owned by its M; in no queue.
const PARKING: u32 = 3;
/// Parked. Owned by the waker that has the right to wake it; in no run queue.
const WAITING: u32 = 4;
/// Woken before it left its stack. Owned by its M, which puts it back into a queue.
const READIED: u32 = 5;
/// Unused: in a free list, or not yet spawned.
const DEAD: u32 = 6;
/// Stopped in the middle of user code by a signal, bound to its thread, in a run queue.
const PREEMPTED: u32 = 9;
/// Stopped at its way into or out of the runtime, bound to its thread, in a run queue. The valve
/// does not open for it: it could do nothing without a P.
const HELD: u32 = 10;
/// As PREEMPTED, and in a queue, but let run without a P by the safety valve.
const VALVE: u32 = 12;

/// What the caller of a transition has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Enqueue {
    /// The G is runnable, and the caller must put it into a run queue.
    Mine,
    /// Another thread has it, or will enqueue it.
    NotMine,
}

/// Where a goroutine stops on its stack, with its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// In a signal handler, in the middle of user code.
    InHandler,
    /// On its way into or out of the runtime.
    AtDoor,
}

impl Stop {
    fn status(self) -> u32 {
        match self {
            Stop::InHandler => PREEMPTED,
            Stop::AtDoor => HELD,
        }
    }
}

/// The state of a bound goroutine that was picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Bound {
    /// It sleeps in the handler: its M wants a P.
    Asleep,
    /// The valve lets it run without a P: nothing to do.
    Running,
    /// It has left its thread meanwhile: it is an ordinary runnable goroutine.
    Runnable,
}

/// A snapshot for dumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Runnable,
    Running,
    Waiting,
    Dead,
    Preempted,
}

#[derive(Debug)]
pub(crate) struct Status(AtomicU32);

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

    /// Stops on its stack, about to be queued, bound to its M.
    pub(crate) fn stopped(&self, at: Stop) {
        let was = self.0.load(Relaxed);
        if was != RUNNING {
            fatal!("preempt: bad goroutine status {was}, expected {RUNNING}");
        }
        // Release pairs(bound): who opens the valve sees which M it is bound to.
        self.0.store(at.status(), Release);
    }

    /// Called by the M that picked a bound goroutine, and so took it out of its queue.
    pub(crate) fn resume_bound(&self) -> Bound {
        loop {
            // Acquire pairs(bound): what the goroutine left, if it is off its stack.
            let now = self.0.load(Acquire);
            let answer = match now {
                PREEMPTED | HELD => Bound::Asleep,
                VALVE => Bound::Running,
                RUNNABLE => return Bound::Runnable,
                s => fatal!("picked a bound goroutine in status {s}"),
            };
            // AcqRel pairs(bound): open_valve, and the owner's steps below. One that the valve
            // let go may be stopped again just now.
            if self
                .0
                .compare_exchange(now, RUNNING, AcqRel, Relaxed)
                .is_ok()
            {
                return answer;
            }
        }
    }

    /// Woken in the handler without a P: is that the valve's doing?
    pub(crate) fn may_run_without_p(&self) -> bool {
        matches!(self.0.load(Relaxed), VALVE | RUNNING)
    }

    /// Called by sysmon: lets a stopped goroutine run without a P while it stays in its queue. True:
    /// the M that it is bound to is mine to wake, and sleeps until then.
    #[must_use]
    pub(crate) fn open_valve(&self) -> bool {
        // AcqRel pairs(bound): resume_bound; preempted's Release.
        self.0
            .compare_exchange(PREEMPTED, VALVE, AcqRel, Relaxed)
            .is_ok()
    }

    pub(crate) fn is_valve(&self) -> bool {
        self.0.load(Relaxed) == VALVE
    }

    /// Without a P: stops on its stack. `NotMine`: it is in a queue already.
    pub(crate) fn stopped_without_p(&self, at: Stop) -> Enqueue {
        // AcqRel pairs(bound): resume_bound may have taken it out of the queue.
        if self
            .0
            .compare_exchange(VALVE, at.status(), AcqRel, Acquire)
            .is_ok()
        {
            return Enqueue::NotMine;
        }
        self.stopped(at);
        Enqueue::Mine
    }

    /// Off its stack, without a P. `NotMine`: it is in a queue already.
    pub(crate) fn yielded_without_p(&self) -> Enqueue {
        // AcqRel pairs(bound): resume_bound may have taken it out of the queue.
        if self
            .0
            .compare_exchange(VALVE, RUNNABLE, AcqRel, Acquire)
            .is_ok()
        {
            return Enqueue::NotMine;
        }
        self.yielded();
        Enqueue::Mine
    }

    /// A foreign thread waits in `park`: true when `ready` has come.
    pub(crate) fn thread_woken(&self) -> bool {
        // Acquire pairs(park-commit): ready's Release.
        self.0.load(Acquire) == RUNNABLE
    }

    /// A foreign thread's deadline has passed, and it won its own claim: no waker will ready it.
    pub(crate) fn thread_gave_up(&self) {
        self.step_relaxed(WAITING, RUNNING, "time-out");
    }

    /// Parked, and off its stack. It stays so until a waker readies it.
    pub(crate) fn is_parked(&self) -> bool {
        // Acquire pairs(park-commit): commit_park's Release, so we see the saved stack.
        self.0.load(Acquire) == WAITING
    }

    pub(crate) fn state(&self) -> State {
        match self.0.load(Relaxed) {
            RUNNABLE | READIED => State::Runnable,
            RUNNING | PARKING | VALVE => State::Running,
            WAITING => State::Waiting,
            PREEMPTED | HELD => State::Preempted,
            _ => State::Dead,
        }
    }

    /// A transition by the only owner; what it publishes is published by a queue or a lock.
    #[inline]
    fn step_relaxed(&self, from: u32, to: u32, verb: &str) {
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
            assert_eq!(g.0.state(), State::Runnable);
        });
    }
}
