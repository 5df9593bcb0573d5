//! The fields of an M for the extras, which use them as if they were the M's own fields.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};

use crate::core::base::owner_cell::OwnerCell;
use crate::ext::linux::cpu_timer::CpuTimer;
use crate::ext::linux::tls_ranges::TlsRanges;
use crate::ext::placement::affinity::Affinity;
use crate::ext::placement::idle_ms::IdleLinks;
use crate::ext::preempt::pending::Pending;
use crate::ext::preempt::retake::Retake;
use crate::ext::recording::writer::Writer;
use crate::ext::threads::incarnation::{AtomicIncarnation, Incarnation};
use crate::ext::unwind::registers::PlaceCell;

/// In `exclusive`: a goroutine has ended locked to this thread. The thread may be in any state,
/// so it runs only the goroutines that need it, and ends when there are none.
const ENDING: u32 = 1 << 31;

/// See `ext/preempt/retake.rs` for how its P can be taken from outside.
#[derive(Debug)]
pub(crate) struct MExt {
    pub(crate) retake: Retake,
    /// Inside of an explicit `blocking()`: a hint for sysmon.
    pub(crate) blocking: OwnerCell<bool>,
    /// Its thread's CPU time when its P was taken from it.
    pub(crate) lost_cpu: OwnerCell<u64>,
    /// The timer that stops the thread when it computes without a P; some systems refuse it.
    pub(crate) lost_timer: CpuTimer,
    pub(crate) lost_is_timed: OwnerCell<bool>,
    /// The schedtick of the P that sysmon wants preempted, or `PREEMPT_ANY`.
    pub(crate) preempt_tick: AtomicU64,
    /// Its thread's CPU time when that was written.
    pub(crate) asked_cpu: OwnerCell<u64>,
    /// What its goroutine must do when it leaves the runtime.
    pub(crate) pending: Pending,
    /// Asleep in the preemption handler, with its goroutine stopped in user code.
    pub(crate) bound_asleep: OwnerCell<bool>,
    /// How many goroutines are locked to this M, and [`ENDING`]; written by its own thread.
    exclusive: OwnerCell<u32>,
    /// Asleep until a goroutine that needs this very thread is picked; under the scheduler's
    /// lock.
    pub(crate) waits_for_own: OwnerCell<bool>,
    /// Where its signal stack starts; 0 before the thread runs.
    pub(crate) alt_stack: OwnerCell<usize>,
    pub(crate) idle_links: IdleLinks,
    pub(crate) affinity: Affinity,
    /// Where its thread-locals are.
    pub(crate) tls_ranges: TlsRanges,
    /// Which thread this is; `NONE` when that has ended. Changed under the scheduler's lock, and
    /// by the spawner before the thread begins.
    incarnation: AtomicIncarnation,
    /// The thread does not use it any more.
    free: AtomicBool,
    /// When the poll was whose goroutine it runs; 0: it has run it. By its own thread.
    pub(crate) net_since: OwnerCell<u64>,
    /// Its thread's CPU time then, if that was asked for.
    pub(crate) net_cpu: OwnerCell<u64>,
    /// How many goroutines it made runnable, while that was counted (`ext/latency.rs`).
    pub(crate) made_ready: OwnerCell<u32>,
    /// Where the goroutine is that preemption has stopped on it.
    pub(crate) stopped_at: PlaceCell,
    /// Where it writes what it does, if that is recorded.
    pub(crate) trace: Writer,
    /// The kernel's thread id, once the thread runs.
    pub(crate) tid: OwnerCell<i32>,
}

impl MExt {
    pub(crate) fn new() -> MExt {
        MExt {
            retake: Retake::new(),
            blocking: OwnerCell::zero(),
            lost_cpu: OwnerCell::zero(),
            lost_timer: CpuTimer::new(),
            lost_is_timed: OwnerCell::zero(),
            preempt_tick: AtomicU64::new(0),
            asked_cpu: OwnerCell::zero(),
            pending: Pending::new(),
            bound_asleep: OwnerCell::zero(),
            exclusive: OwnerCell::zero(),
            waits_for_own: OwnerCell::zero(),
            alt_stack: OwnerCell::zero(),
            idle_links: IdleLinks::new(),
            affinity: Affinity::new(),
            tls_ranges: TlsRanges::unknown(),
            incarnation: AtomicIncarnation::none(),
            free: AtomicBool::new(false),
            net_since: OwnerCell::zero(),
            net_cpu: OwnerCell::zero(),
            made_ready: OwnerCell::zero(),
            stopped_at: PlaceCell::nowhere(),
            trace: Writer::new(),
            tid: OwnerCell::zero(),
        }
    }

    /// How often it has entered the runtime without leaving it.
    #[inline]
    pub(crate) fn depth(&self) -> u32 {
        self.retake.depth()
    }

    /// Everything as in a new one, for the thread that is about to begin. By the spawner. What
    /// those still write who have found the M as it was before may come later: see
    /// `core/sched/README.md#ms-used-again`.
    pub(crate) fn begin(&self, incarnation: Incarnation) {
        self.blocking.set(false);
        self.lost_cpu.set(0);
        self.pending.clear();
        self.exclusive.set(0);
        self.alt_stack.set(0);
        self.affinity.reset();
        self.tls_ranges.forget();
        self.incarnation.store(incarnation, Release); // pairs(all-ms): incarnation's Acquire
    }

    /// Its thread has begun. By that thread.
    pub(crate) fn set_up(&self, tid: i32) {
        self.tid.set(tid);
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

    /// Returns `true` if it was free: it is the caller's now. By the spawner.
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
        self.exclusive.get() != 0
    }

    /// One goroutine more is locked to this M. By its thread, as the next two.
    pub(crate) fn add_locked(&self) {
        self.exclusive.add(1);
    }

    /// One less.
    pub(crate) fn remove_locked(&self) {
        self.exclusive.sub(1);
    }

    /// From now on the thread ends as soon as no goroutine needs it.
    pub(crate) fn set_ending(&self) {
        self.exclusive.set(self.exclusive.get() | ENDING);
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.exclusive.get() & ENDING != 0
    }

    /// How many goroutines are locked to it.
    pub(crate) fn locked(&self) -> u32 {
        self.exclusive.get() & !ENDING
    }
}
