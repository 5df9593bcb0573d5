//! The one shared struct: global queue, idle lists, counters. Go: runtime2.go schedt, sched.
#![forbid(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::g::goroutine::GRef;
use crate::core::g::gqueue::GQueue;
use crate::core::hooks::TimerWaiter;
use crate::core::m::machine::M;
use crate::core::p::idle_word::IdleWord;
use crate::core::p::processor::{MAX_PS, P};
use crate::core::sys::clock::{nanotime, set_coarse};
use crate::core::sys::lock::RawLock;
use crate::core::sys::note::Note;

/// See the fields. Go: sched.
#[derive(Debug)]
pub(crate) struct Sched {
    /// Guards every field whose comment says so. It is held for a few instructions, never across
    /// a system call that can block.
    lock: RawLock,
    /// Under the lock; any thread may read its length, as a hint.
    global: GQueue,
    /// Last in, first out; under the lock. Go: midle.
    idle_ms: AtomicRef<M>,
    /// The other end of the list, with the Ms whose threads goroutines wait for; and their
    /// number.
    idle_ms_end: AtomicRef<M>,
    idle_needed: AtomicU32,
    pub(crate) idle_m_count: AtomicU32,
    /// How often an idle M was taken to run; under the lock.
    m_wakes: AtomicU32,
    /// Ms that wait until a goroutine is picked that needs their thread; under the lock. Go:
    /// nmidlelocked.
    pub(crate) idle_locked: AtomicU32,
    /// Last in, first out; under the lock. Go: pidle.
    idle_ps: AtomicRef<P>,
    pub(crate) idle: IdleWord,
    all_ps: [AtomicRef<P>; MAX_PS],
    procs: AtomicU32,
    /// Ms made or promised; under the lock. Go: mcount.
    pub(crate) m_count: AtomicU32,
    pub(crate) max_ms: AtomicU32,
    /// The world is being stopped: every M gives its P up at its next look. Go: gcwaiting.
    pub(crate) stopping: AtomicBool,
    /// Ps that still have to stop; under the lock. Go: stopwait.
    pub(crate) still_running: AtomicU32,
    /// Where the stopper waits for them. Go: stopnote.
    pub(crate) all_stopped: Note,
    /// sysmon sleeps for as long as every P is idle; under the lock. Go: sysmonwait.
    pub(crate) sysmon_asleep: AtomicBool,
    pub(crate) sysmon_note: Note,
    pub(crate) started: AtomicBool,
    /// Goroutines wait for a stack (`starved.rs`); written under the lock.
    pub(crate) starved: AtomicBool,
    /// The idle M that waits for the next timer.
    pub(crate) timer_waiter: TimerWaiter,
    /// Goroutines spawned by threads without a P.
    pub(crate) created_outside: AtomicU64,
    /// Threads inside of `run`, waiting for their main goroutine.
    pub(crate) mains: AtomicU32,
}

/// So many idle Ms may be kept for goroutines that need their threads, before they count as spares
/// like any other: one for each such goroutine would be a thread for each.
const MAX_SET_ASIDE: u32 = 4;

/// The one runtime of the process.
pub(crate) static SCHED: Sched = Sched {
    lock: RawLock::new(),
    global: GQueue::new(),
    idle_ms: AtomicRef::none(),
    idle_ms_end: AtomicRef::none(),
    idle_needed: AtomicU32::new(0),
    idle_m_count: AtomicU32::new(0),
    m_wakes: AtomicU32::new(0),
    idle_locked: AtomicU32::new(0),
    idle_ps: AtomicRef::none(),
    idle: IdleWord::new(),
    all_ps: [const { AtomicRef::none() }; MAX_PS],
    procs: AtomicU32::new(0),
    m_count: AtomicU32::new(0),
    max_ms: AtomicU32::new(10_000),
    stopping: AtomicBool::new(false),
    still_running: AtomicU32::new(0),
    all_stopped: Note::new(),
    sysmon_asleep: AtomicBool::new(false),
    sysmon_note: Note::new(),
    started: AtomicBool::new(false),
    starved: AtomicBool::new(false),
    timer_waiter: TimerWaiter::new(),
    created_outside: AtomicU64::new(0),
    mains: AtomicU32::new(0),
};

impl Sched {
    #[inline]
    pub(crate) fn lock(&self) -> SchedGuard {
        self.lock.lock();
        SchedGuard {
            not_send: PhantomData,
        }
    }

    /// For callers that must never wait for the holder of the lock.
    pub(crate) fn try_lock(&self) -> Option<SchedGuard> {
        // Not `then_some`: a guard that is made and thrown away unlocks.
        self.lock.try_lock().then(|| SchedGuard {
            not_send: PhantomData,
        })
    }

    /// Runnable goroutines that no P has: how many, as a hint.
    #[inline]
    pub(crate) fn global_len(&self) -> u32 {
        self.global.len()
    }

    /// Ms that do not sleep for want of work. Under the lock, or as a hint.
    pub(crate) fn ms_awake(&self) -> u32 {
        let idle = self
            .idle_m_count
            .load(Relaxed)
            .wrapping_add(self.idle_locked.load(Relaxed));
        self.m_count.load(Relaxed).wrapping_sub(idle)
    }

    /// If no M runs or is about to run: a stamp. If two stamps are equal, no M ran in between
    /// either.
    pub(crate) fn all_asleep(&self) -> Option<(u32, u32)> {
        let _locked = self.lock();
        let asleep =
            self.all_ms_idle() && self.global.is_empty() && !self.stopping.load(Relaxed);
        let stamp = (self.m_count.load(Relaxed), self.m_wakes.load(Relaxed));
        asleep.then_some(stamp)
    }

    /// Every M sleeps for want of work. Under the lock, or as a hint.
    pub(crate) fn all_ms_idle(&self) -> bool {
        self.ms_awake() == 0
    }

    /// The first `run` of the process has been called.
    #[inline]
    pub(crate) fn is_started(&self) -> bool {
        // Acquire pairs(started): start's Release.
        self.started.load(Acquire)
    }

    /// How many Ps there are: GOMAXPROCS.
    #[inline]
    pub(crate) fn procs(&self) -> u32 {
        self.procs.load(Relaxed)
    }

    pub(crate) fn set_procs(&self, n: u32) {
        self.procs.store(n, Relaxed);
    }

    /// P number `i`, if it was ever made.
    pub(crate) fn p(&self, i: usize) -> Option<&'static P> {
        // Acquire pairs(all-ps): set_p's Release.
        self.all_ps[i].load(Acquire)
    }

    pub(crate) fn set_p(&self, i: usize, p: &'static P) {
        // Release pairs(all-ps): p's Acquire.
        self.all_ps[i].store(Some(p), Release);
    }

    /// The Ps in use.
    pub(crate) fn ps(&self) -> impl Iterator<Item = &'static P> + '_ {
        (0..self.procs() as usize).filter_map(|i| self.p(i))
    }

    /// Every P ever made, with those that `gomaxprocs` has put aside.
    pub(crate) fn all_ps(&self) -> impl Iterator<Item = &'static P> + '_ {
        (0..MAX_PS).map_while(|i| self.p(i))
    }

    /// Goroutines alive. Go: gcount.
    pub(crate) fn goroutines(&self) -> u64 {
        let finished: u64 = self.all_ps().map(|p| p.finished.load(Relaxed)).sum();
        self.created().saturating_sub(finished) // the counters are read one after the other
    }

    /// Goroutines ever spawned.
    pub(crate) fn created(&self) -> u64 {
        let by_ps: u64 = self.all_ps().map(|p| p.created.load(Relaxed)).sum();
        by_ps + self.created_outside.load(Relaxed)
    }

    /// No M could take over a P at once. Under the lock, or as a hint.
    pub(crate) fn wants_spare(&self) -> bool {
        let needed = self.idle_needed.load(Relaxed).min(MAX_SET_ASIDE);
        self.idle_m_count.load(Relaxed) <= needed
    }
}

/// The right to everything that the lock guards; unlocks when dropped. A function that takes a
/// reference to it is called under the lock.
#[derive(Debug)]
pub(crate) struct SchedGuard {
    not_send: PhantomData<*const ()>,
}

impl Drop for SchedGuard {
    #[inline]
    fn drop(&mut self) {
        SCHED.lock.unlock();
    }
}

impl Deref for SchedGuard {
    type Target = Sched;

    #[inline]
    fn deref(&self) -> &Sched {
        &SCHED
    }
}

impl SchedGuard {
    /// The queue that all Ps share. Go: globrunq.
    #[inline]
    pub(crate) fn global(&self) -> &'static GQueue {
        &SCHED.global
    }

    /// One more M is made or promised, or one less.
    pub(crate) fn add_m(&self, n: i32) {
        add(&self.m_count, n.cast_unsigned());
    }

    /// An idle M, or an M that waits for its own goroutine, is about to be woken.
    pub(crate) fn count_m_wake(&self) {
        let wakes = self.m_wakes.load(Relaxed);
        self.m_wakes.store(wakes.wrapping_add(1), Relaxed);
    }

    /// Puts a P into the idle list; the caller counts it in `idle`.
    pub(crate) fn push_idle_p(&self, p: &'static P) {
        p.idle_link.store(self.idle_ps.load(Relaxed), Relaxed);
        self.idle_ps.store(Some(p), Relaxed);
    }

    /// Takes an idle P, last in first out, and uncounts it. Go: pidleget.
    pub(crate) fn pop_idle_p(&self) -> Option<&'static P> {
        let p = self.idle_ps.load(Relaxed)?;
        self.idle_ps.store(p.idle_link.take_relaxed(), Relaxed);
        self.idle.remove_idle();
        if self.sysmon_asleep.load(Relaxed) {
            self.sysmon_asleep.store(false, Relaxed);
            set_coarse(nanotime());
            self.sysmon_note.wake();
        }
        Some(p)
    }

    /// Every P in the idle list.
    pub(crate) fn for_each_idle_p(&self, mut f: impl FnMut(&'static P)) {
        let mut next = self.idle_ps.load(Relaxed);
        while let Some(p) = next {
            f(p);
            next = p.idle_link.load(Relaxed);
        }
    }

    /// Puts an M into the idle list. Go: mput.
    pub(crate) fn push_idle_m(&self, m: &'static M) {
        let needed =
            m.affinity.waiting.load(Relaxed) != 0 || m.affinity.stepped_aside.load(Relaxed);
        m.affinity.stepped_aside.store(false, Relaxed);
        m.idle_needed.store(needed, Relaxed);
        let (prev, next) = if needed {
            add(&self.idle_needed, 1);
            (self.idle_ms_end.load(Relaxed), None)
        } else {
            (None, self.idle_ms.load(Relaxed))
        };
        m.idle_prev.store(prev, Relaxed);
        m.idle_link.store(next, Relaxed);
        self.link_idle(prev, Some(m), Some(m), next);
        m.idle_listed.store(true, Relaxed);
        self.idle_m_count
            .store(self.idle_m_count.load(Relaxed) + 1, Relaxed);
    }

    /// Makes `after` what follows `prev`, and `before` what precedes `next`.
    fn link_idle(
        &self,
        prev: Option<&'static M>,
        after: Option<&'static M>,
        before: Option<&'static M>,
        next: Option<&'static M>,
    ) {
        let link = prev.map_or(&self.idle_ms, |prev| &prev.idle_link);
        link.store(after, Relaxed);
        let link = next.map_or(&self.idle_ms_end, |next| &next.idle_prev);
        link.store(before, Relaxed);
    }

    /// Takes an idle M whose thread no goroutine waits for.
    pub(crate) fn pop_free_idle_m(&self) -> Option<&'static M> {
        let m = self.idle_ms.load(Relaxed)?;
        (!m.idle_needed.load(Relaxed) && self.take_idle_m(m)).then_some(m)
    }

    /// Takes an idle M, last in first out. Go: mget.
    pub(crate) fn pop_idle_m(&self) -> Option<&'static M> {
        let m = self.idle_ms.load(Relaxed)?;
        let taken = self.take_idle_m(m);
        debug_assert!(taken, "the head of the list is in the list");
        Some(m)
    }

    /// Takes this M out of the idle list; false if it is not in it.
    pub(crate) fn take_idle_m(&self, m: &'static M) -> bool {
        if !m.idle_listed.load(Relaxed) {
            return false;
        }
        self.count_m_wake();
        let next = m.idle_link.take_relaxed();
        let prev = m.idle_prev.take_relaxed();
        self.link_idle(prev, next, prev, next);
        if m.idle_needed.load(Relaxed) {
            add(&self.idle_needed, 1u32.wrapping_neg());
        }
        m.idle_listed.store(false, Relaxed);
        self.idle_m_count
            .store(self.idle_m_count.load(Relaxed) - 1, Relaxed);
        true
    }

    /// An M falls asleep until a goroutine is picked that needs its thread.
    pub(crate) fn push_waiting_for_own(&self, m: &'static M) {
        m.waits_for_own.store(true, Relaxed);
        add(&self.idle_locked, 1);
    }

    /// True: this M slept, in the idle list or for its own goroutines, and is in no list any
    /// more: the caller's to wake.
    pub(crate) fn take_asleep(&self, m: &'static M) -> bool {
        if m.waits_for_own.load(Relaxed) {
            m.waits_for_own.store(false, Relaxed);
            add(&self.idle_locked, 1u32.wrapping_neg());
            self.count_m_wake();
            return true;
        }
        self.take_idle_m(m)
    }

    /// An M gave up its P because the world is being stopped.
    pub(crate) fn p_stopped(&self) {
        let left = self.still_running.load(Relaxed) - 1;
        self.still_running.store(left, Relaxed);
        if left == 0 {
            self.all_stopped.wake();
        }
    }

    /// Puts `g` at the head of the global queue.
    pub(crate) fn push_global_front(&self, g: GRef) {
        self.global.push_front(g);
    }

    /// Puts `g` at the tail of the global queue. Go: globrunqput.
    pub(crate) fn push_global(&self, g: GRef) {
        self.global.push_back(g);
    }
}

/// Under the lock, which makes it one step.
pub(crate) fn add(count: &AtomicU32, n: u32) {
    count.store(count.load(Relaxed).wrapping_add(n), Relaxed);
}
