//! The fields and functions of the scheduler for the extras, which use them as if they were the
//! scheduler's own.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

use crate::core::base::alone::Alone;
use crate::core::base::owner_cell::OwnerCell;
use crate::core::g::goroutine::GRef;
use crate::core::m::machine::M;
use crate::core::p::processor::{MAX_PS, P};
use crate::core::sched::schedt::{Sched, SchedGuard};
use crate::core::sys::clock::nanotime;
use crate::core::sys::note::Note;
use crate::ext::linux::coarse::set_coarse;
use crate::ext::placement::idle_ms::Sleeper;
use crate::ext::recording::emit;
use crate::ext::timers::timer_waiter::TimerWaiter;

#[derive(Debug)]
#[repr(C)]
pub(crate) struct SchedExt {
    // Read by all, all the time, and hardly ever written.
    /// The world is being stopped: every M gives its P up at its next look. Go: gcwaiting.
    pub(crate) stopping: OwnerCell<bool>,
    pub(crate) max_ms: OwnerCell<u32>,
    /// The idle M that waits for the next timer.
    pub(crate) timer_waiter: Alone<TimerWaiter>,
    /// Goroutines that wait for a descriptor, or are on their way from there. Go: netpollWaiters.
    pub(crate) io_waiters: Alone<AtomicU32>,
    /// Ms that wait until a goroutine is picked that needs their thread; under the lock. Go:
    /// nmidlelocked.
    pub(crate) idle_locked: OwnerCell<u32>,
    /// Ps that still have to stop; under the lock. Go: stopwait.
    pub(crate) still_running: OwnerCell<u32>,
    /// Where the stopper waits for them. Go: stopnote.
    pub(crate) all_stopped: Note,
    /// sysmon sleeps for as long as every P is idle; under the lock. Go: sysmonwait.
    pub(crate) sysmon_asleep: OwnerCell<bool>,
    pub(crate) sysmon_note: Note,
    /// Goroutines wait for a stack (`starved.rs`); written under the lock.
    pub(crate) starved: OwnerCell<bool>,
    /// Goroutines spawned by threads without a P.
    pub(crate) created_outside: AtomicU64,
    /// Threads inside of `run`, waiting for their main goroutine.
    pub(crate) mains: AtomicU32,
}

/// So many idle Ms may be kept for goroutines that need their threads, before they count as spares
/// like any other: one for each such goroutine would be a thread for each.
const MAX_SET_ASIDE: u32 = 4;

impl SchedExt {
    pub(crate) const fn new() -> SchedExt {
        SchedExt {
            stopping: OwnerCell::zero(),
            max_ms: OwnerCell::<u32>::new(10_000),
            timer_waiter: Alone(TimerWaiter::new()),
            io_waiters: Alone(AtomicU32::new(0)),
            idle_locked: OwnerCell::zero(),
            still_running: OwnerCell::zero(),
            all_stopped: Note::new(),
            sysmon_asleep: OwnerCell::zero(),
            sysmon_note: Note::new(),
            starved: OwnerCell::zero(),
            created_outside: AtomicU64::new(0),
            mains: AtomicU32::new(0),
        }
    }
}

impl Sched {
    /// Ms that do not sleep for want of work. Under the lock, or as a hint.
    pub(crate) fn ms_awake(&self) -> u32 {
        let idle = self.idle_ms.len().wrapping_add(self.idle_locked.peek());
        self.m_count.peek().wrapping_sub(idle)
    }

    /// If no M runs or is about to run: a stamp. If two stamps are equal, no M ran in between
    /// either.
    pub(crate) fn all_asleep(&self) -> Option<(u32, u32)> {
        let _locked = self.lock();
        let asleep = self.all_ms_idle() && self.global_len() == 0 && !self.stopping.peek();
        let stamp = (self.m_count.peek(), self.idle_ms.wakes());
        asleep.then_some(stamp)
    }

    /// Every M sleeps for want of work. Under the lock, or as a hint.
    pub(crate) fn all_ms_idle(&self) -> bool {
        self.ms_awake() == 0
    }

    /// Every P ever made, with those that `gomaxprocs` has put aside.
    pub(crate) fn all_ps(&self) -> impl Iterator<Item = &'static P> + '_ {
        (0..MAX_PS).map_while(|i| self.p(i))
    }

    /// Goroutines alive. Go: gcount.
    pub(crate) fn goroutines(&self) -> u64 {
        let finished: u64 = self.all_ps().map(|p| p.finished.peek()).sum();
        self.created().saturating_sub(finished) // the counters are read one after the other
    }

    /// Goroutines ever spawned.
    pub(crate) fn created(&self) -> u64 {
        let by_ps: u64 = self.all_ps().map(|p| p.created.peek()).sum();
        by_ps + self.created_outside.load(Relaxed)
    }

    /// No M could take over a P at once. Under the lock, or as a hint.
    pub(crate) fn wants_spare(&self) -> bool {
        let needed = self.idle_ms.needed().min(MAX_SET_ASIDE);
        self.idle_ms.len() <= needed
    }
}

impl SchedGuard {
    /// Every P in the idle list.
    pub(crate) fn for_each_idle_p(&self, mut f: impl FnMut(&'static P)) {
        let mut next = self.first_idle_p();
        while let Some(p) = next {
            f(p);
            next = p.idle_link.get();
        }
    }

    /// Takes an idle M whose thread no goroutine waits for.
    pub(crate) fn pop_free_idle_m(&self) -> Option<&'static M> {
        let m = self.idle_ms.first()?;
        (!m.idle_links.is_needed() && self.idle_ms.take(m) == Sleeper::Taken).then_some(m)
    }

    /// An M falls asleep until a goroutine is picked that needs its thread.
    pub(crate) fn push_waiting_for_own(&self, m: &'static M) {
        m.waits_for_own.set(true);
        self.idle_locked.add(1);
    }

    /// Takes an M out of the list in which it sleeps: of idle Ms, or of those that wait for their own
    /// goroutines.
    pub(crate) fn take_asleep(&self, m: &'static M) -> Sleeper {
        if m.waits_for_own.get() {
            m.waits_for_own.set(false);
            self.idle_locked.sub(1);
            self.idle_ms.count_wake();
            return Sleeper::Taken;
        }
        self.idle_ms.take(m)
    }

    /// An M gave up its P because the world is being stopped.
    pub(crate) fn p_stopped(&self) {
        let left = self.still_running.get() - 1;
        self.still_running.set(left);
        if left == 0 {
            self.all_stopped.wake();
        }
    }

    /// Puts `g` at the head of the global queue.
    pub(crate) fn push_global_front(&self, g: GRef) {
        self.global().push_front(g);
    }
}

/// A P leaves the idle list: sysmon, which sleeps while all are there, has work.
pub(crate) fn p_gets_busy(sched: &SchedGuard) {
    emit::p_is_for_another();
    if sched.sysmon_asleep.get() {
        sched.sysmon_asleep.set(false);
        set_coarse(nanotime());
        sched.sysmon_note.wake();
    }
}

#[cfg(all(test, not(loom)))]
mod lines {
    use super::*;
    use crate::core::base::alone::assert_lines;

    #[test]
    fn the_lines_are_those_of_the_page() {
        assert_lines!(SchedExt: stopping, max_ms, timer_waiter, io_waiters, idle_locked, starved, created_outside);
    }
}
