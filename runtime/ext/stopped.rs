//! A goroutine that preemption has stopped on its stack: more states of the status word, and what all
//! of them are called in dumps.
//!
//! `core/g/status.rs` has the states of the scheduler; only these two files change a status word.
#![forbid(unsafe_code)]

use crate::core::base::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::core::g::status::{Enqueue, PARKING, READIED, RUNNABLE, RUNNING, Status, WAITING};
use crate::core::sys::fatal::fatal;

/// Stopped in the middle of user code by a signal, bound to its thread, in a run queue.
const PREEMPTED: u32 = 9;
/// Stopped at its way into or out of the runtime, bound to its thread, in a run queue. The valve
/// does not open for it: it could do nothing without a P.
const HELD: u32 = 10;
/// As PREEMPTED, and in a queue, but let run without a P by the safety valve.
const VALVE: u32 = 12;

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

impl Status {
    /// Stops on its stack, about to be queued, bound to its M.
    pub(crate) fn stopped(&self, at: Stop) {
        let was = self.0.load(Relaxed);
        if was != RUNNING {
            fatal!("preempt: bad goroutine status {was}, expected {RUNNING}");
        }
        // Release pairs(bound): who opens the valve sees which M it is bound to.
        self.0.store(at.status(), Release);
    }

    /// By the M that picked a bound goroutine, and so took it out of its queue.
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

    /// By sysmon: lets a stopped goroutine run without a P while it stays in its queue. Returns
    /// `true` if the M that it is bound to is the caller's to wake; it sleeps until then.
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

    /// A plain OS thread waits in `park`: true when `ready` has come.
    pub(crate) fn thread_woken(&self) -> bool {
        // Acquire pairs(park-commit): ready's Release.
        self.0.load(Acquire) == RUNNABLE
    }

    /// A plain OS thread's deadline passed, and it won its own claim: nobody will ready it.
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
}
