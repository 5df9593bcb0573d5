//! The M: the data of an OS thread that runs goroutines.
//!
//! Ms are made once and never freed, but used again: when a thread has ended, another thread uses
//! its M, under another [`Incarnation`]. No two Ms share a cache line.
//!
//! Go: runtime2.go m.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, AtomicUsize};

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::base::fastrand::Choice;
use crate::core::g::goroutine::{G, GRef};
use crate::core::g::incarnation::{AtomicIncarnation, Incarnation};
use crate::core::hooks::Affinity;
use crate::core::hooks::CpuTimer;
use crate::core::hooks::TlsRanges;
use crate::core::m::pending::Pending;
use crate::core::m::retake::Retake;
use crate::core::p::processor::P;
use crate::core::sys::note::Note;

/// `preempt_tick`: preempt whatever runs (the world is being stopped).
pub(crate) const PREEMPT_ANY: u64 = u64::MAX;

/// In `exclusive`: a goroutine has ended locked to this thread. The thread may be in any state,
/// so it runs only the goroutines that need it, and ends when there are none.
const ENDING: u32 = 1 << 31;

/// See `core/m/retake.rs` for how its P can be taken from outside.
#[repr(align(128))]
#[derive(Debug)]
pub(crate) struct M {
    pub(crate) retake: Retake,
    /// Inside of an explicit `blocking()`: a hint for sysmon.
    pub(crate) blocking: AtomicBool,
    /// Its thread's CPU time when its P was taken from it.
    pub(crate) lost_cpu: AtomicU64,
    /// The timer that stops the thread when it computes without a P; some systems refuse it.
    pub(crate) lost_timer: CpuTimer,
    pub(crate) lost_is_timed: AtomicBool,
    /// The schedtick of the P that sysmon wants preempted, or `PREEMPT_ANY`.
    pub(crate) preempt_tick: AtomicU64,
    /// Its thread's CPU time when that was written.
    pub(crate) asked_cpu: AtomicU64,
    /// What its goroutine must do when it leaves the runtime.
    pub(crate) pending: Pending,
    /// Asleep in the preemption handler, with its goroutine stopped in user code.
    pub(crate) bound_asleep: AtomicBool,
    /// How many goroutines are locked to this M, and [`ENDING`]; written by its own thread.
    exclusive: AtomicU32,
    /// Asleep until a goroutine that needs this very thread is picked; under the scheduler's
    /// lock.
    pub(crate) waits_for_own: AtomicBool,
    /// Where its signal stack starts; 0 before the thread runs.
    pub(crate) alt_stack: AtomicUsize,
    /// The goroutine on this M.
    curg: AtomicRef<G>,
    /// The P this M holds.
    p: AtomicRef<P>,
    /// The P it is given when it is woken.
    pub(crate) next_p: AtomicRef<P>,
    /// Looking for work; counted in the idle word.
    pub(crate) spinning: AtomicBool,
    /// How it sleeps when it has nothing to do.
    pub(crate) note: Note,
    /// Neighbours in the list of idle Ms, and whether it is in it; under the scheduler's lock.
    pub(crate) idle_link: AtomicRef<M>,
    pub(crate) idle_prev: AtomicRef<M>,
    pub(crate) idle_listed: AtomicBool,
    /// It is in the list as one whose thread goroutines wait for.
    pub(crate) idle_needed: AtomicBool,
    pub(crate) affinity: Affinity,
    /// Where its thread-locals are.
    pub(crate) tls_ranges: TlsRanges,
    /// Its number, and its name in dumps: the next thread's as well.
    pub(crate) id: u32,
    /// Which thread this is; `NONE` when that has ended. Changed under the scheduler's lock, and
    /// by the spawner before the thread begins.
    incarnation: AtomicIncarnation,
    /// The thread does not use it any more.
    free: AtomicBool,
    /// The kernel's thread id, once the thread runs.
    pub(crate) tid: AtomicI32,
    choice: Choice,
}

impl M {
    pub(crate) fn new(id: u32, seed: u64) -> M {
        M {
            retake: Retake::new(),
            blocking: AtomicBool::new(false),
            lost_cpu: AtomicU64::new(0),
            lost_timer: CpuTimer::new(),
            lost_is_timed: AtomicBool::new(false),
            preempt_tick: AtomicU64::new(0),
            asked_cpu: AtomicU64::new(0),
            bound_asleep: AtomicBool::new(false),
            exclusive: AtomicU32::new(0),
            waits_for_own: AtomicBool::new(false),
            alt_stack: AtomicUsize::new(0),
            pending: Pending::new(),
            curg: AtomicRef::none(),
            p: AtomicRef::none(),
            next_p: AtomicRef::none(),
            spinning: AtomicBool::new(false),
            note: Note::new(),
            idle_link: AtomicRef::none(),
            idle_prev: AtomicRef::none(),
            idle_listed: AtomicBool::new(false),
            idle_needed: AtomicBool::new(false),
            affinity: Affinity::new(),
            tls_ranges: TlsRanges::unknown(),
            id,
            incarnation: AtomicIncarnation::none(),
            free: AtomicBool::new(false),
            tid: AtomicI32::new(0),
            choice: Choice::new(seed),
        }
    }

    /// Resets everything to the state of a new M, for the thread that is about to begin. Called
    /// by the spawner. Threads that found the M before may still write to it later: see
    /// `core/sched/README.md#ms-used-again`.
    pub(crate) fn begin(&self, incarnation: Incarnation) {
        self.blocking.store(false, Relaxed);
        self.lost_cpu.store(0, Relaxed);
        self.pending.clear();
        self.exclusive.store(0, Relaxed);
        self.alt_stack.store(0, Relaxed);
        self.affinity.reset();
        self.tls_ranges.forget();
        self.incarnation.store(incarnation, Release); // pairs(all-ms): incarnation's Acquire
    }

    /// Its thread has begun. Called by that thread.
    pub(crate) fn set_up(&self, tid: i32) {
        self.tid.store(tid, Relaxed);
        // Release pairs(m-up): `preempt`'s Acquire. A request to the thread before, that none
        // will answer.
        self.preempt_tick.swap(0, Release);
    }

    /// Which thread it is.
    #[inline]
    pub(crate) fn incarnation(&self) -> Incarnation {
        self.incarnation.load(Acquire) // pairs(all-ms): begin's Release
    }

    /// Its thread is taken out of the records. The scheduler's lock is held.
    pub(crate) fn end(&self) {
        self.incarnation.store(Incarnation::NONE, Relaxed);
    }

    /// Its thread has ended, or will without another look at it.
    pub(crate) fn let_go(&self) {
        self.free.store(true, Release); // pairs(m-free): take_free's Acquire
    }

    /// True: it was free, and belongs to the caller now. Called by the spawner.
    pub(crate) fn take_free(&self) -> bool {
        // Acquire pairs(m-free): let_go's Release.
        let free = self.free.load(Acquire);
        if free {
            self.free.store(false, Relaxed);
        }
        free
    }

    pub(crate) fn is_free(&self) -> bool {
        self.free.load(Relaxed)
    }

    /// The thread runs only goroutines that need it.
    #[inline]
    pub(crate) fn is_exclusive(&self) -> bool {
        self.exclusive.load(Relaxed) != 0
    }

    /// One goroutine more is locked to this M. Called by its thread, as the next two.
    pub(crate) fn add_locked(&self) {
        self.exclusive
            .store(self.exclusive.load(Relaxed) + 1, Relaxed);
    }

    /// One less.
    pub(crate) fn remove_locked(&self) {
        self.exclusive
            .store(self.exclusive.load(Relaxed) - 1, Relaxed);
    }

    /// From now on the thread ends as soon as no goroutine needs it.
    pub(crate) fn set_ending(&self) {
        self.exclusive
            .store(self.exclusive.load(Relaxed) | ENDING, Relaxed);
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.exclusive.load(Relaxed) & ENDING != 0
    }

    /// How many goroutines are locked to it.
    pub(crate) fn locked(&self) -> u32 {
        self.exclusive.load(Relaxed) & !ENDING
    }

    #[inline]
    pub(crate) fn curg(&self) -> Option<GRef> {
        self.curg.load(Relaxed)
    }

    pub(crate) fn set_curg(&self, g: Option<GRef>) {
        self.curg.store(g, Relaxed);
    }

    #[inline]
    pub(crate) fn p(&self) -> Option<&'static P> {
        self.p.load(Relaxed)
    }

    pub(crate) fn set_p(&self, p: Option<&'static P>) {
        self.p.store(p, Relaxed);
    }

    pub(crate) fn choice(&self) -> &Choice {
        &self.choice
    }
}
