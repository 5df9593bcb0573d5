//! The one shared struct: global queue, idle lists, counters. Go: runtime2.go schedt, sched.
#![forbid(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};

use crate::core::base::alone::Alone;
use crate::core::base::atomic_ref::AtomicRef;
use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::g::goroutine::GRef;
use crate::core::g::gqueue::GQueue;
use crate::core::hooks::{self, IdleMs, SchedExt};
use crate::core::m::machine::M;
use crate::core::p::idle_word::IdleWord;
use crate::core::p::processor::{MAX_PS, P};
use crate::core::sys::lock::RawLock;

/// See the fields. Which of them share a cache line: `docs/scaling.md`. Go: sched.
#[derive(Debug)]
#[repr(C, align(128))]
pub(crate) struct Sched {
    // What is written under the lock is where the lock is.
    /// Guards every field whose comment says so. It is held for a few instructions, never across
    /// a system call that can block.
    lock: RawLock,
    /// Ms made or promised; under the lock. Go: mcount.
    pub(crate) m_count: OwnerCell<u32>,
    /// Under the lock; any thread may read its length, as a hint.
    global: GQueue,
    /// Last in, first out; under the lock. Go: pidle.
    idle_ps: OwnerRef<P>,
    /// Under the lock. Go: midle.
    pub(crate) idle_ms: IdleMs,
    /// Read at each wake-up, and hardly ever written while all Ps are busy.
    pub(crate) idle: Alone<IdleWord>,
    // Read by all, all the time, and hardly ever written.
    procs: OwnerCell<u32>,
    pub(crate) started: AtomicBool,
    all_ps: [AtomicRef<P>; MAX_PS],
    /// What the extras keep here.
    ext: SchedExt,
}

impl Deref for Sched {
    type Target = SchedExt;

    #[inline]
    fn deref(&self) -> &SchedExt {
        &self.ext
    }
}

/// The one runtime of the process.
pub(crate) static SCHED: Sched = Sched {
    lock: RawLock::new(),
    m_count: OwnerCell::zero(),
    global: GQueue::new(),
    idle_ps: OwnerRef::none(),
    idle_ms: IdleMs::new(),
    idle: Alone(IdleWord::new()),
    procs: OwnerCell::zero(),
    started: AtomicBool::new(false),
    all_ps: [const { AtomicRef::none() }; MAX_PS],
    ext: SchedExt::new(),
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

    /// Are there goroutines that `p` could run? A hint, for whoever does not hold it.
    #[inline]
    pub(crate) fn has_work_for(&self, p: &P) -> bool {
        !p.runq.is_empty() || self.global_len() != 0
    }

    /// How many have ever been taken from it (wrapping), as a hint.
    #[inline]
    pub(crate) fn global_taken(&self) -> u32 {
        self.global.taken()
    }

    /// What `global_taken` is when all that are in it now are gone.
    #[inline]
    pub(crate) fn global_end(&self) -> u32 {
        self.global.taken().wrapping_add(self.global.len())
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
        self.procs.peek()
    }

    pub(crate) fn set_procs(&self, n: u32) {
        self.procs.set(n);
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
        self.m_count.add(n.cast_unsigned());
    }

    /// Puts a P into the idle list; the caller counts it in `idle`.
    pub(crate) fn push_idle_p(&self, p: &'static P) {
        p.idle_link.set(self.idle_ps.get());
        self.idle_ps.set(Some(p));
    }

    /// Takes an idle P, last in first out, and uncounts it. Go: pidleget.
    pub(crate) fn pop_idle_p(&self) -> Option<&'static P> {
        let p = self.idle_ps.get()?;
        self.idle_ps.set(p.idle_link.take());
        self.idle.remove_idle();
        hooks::p_gets_busy(self);
        Some(p)
    }

    /// The first of the idle Ps, which are linked by `idle_link`.
    pub(crate) fn first_idle_p(&self) -> Option<&'static P> {
        self.idle_ps.get()
    }

    /// Puts an M into the idle list. Go: mput.
    pub(crate) fn push_idle_m(&self, m: &'static M) {
        self.idle_ms.push(m);
    }

    /// Takes an idle M, last in first out. Go: mget.
    pub(crate) fn pop_idle_m(&self) -> Option<&'static M> {
        self.idle_ms.pop()
    }

    /// Puts `g` at the tail of the global queue. Go: globrunqput.
    pub(crate) fn push_global(&self, g: GRef) {
        self.global.push_back(g);
    }
}

#[cfg(all(test, not(loom), feature = "ext"))]
mod lines {
    use super::*;
    use crate::core::base::alone::assert_lines;

    #[test]
    fn the_lines_are_those_of_the_page() {
        assert_lines!(Sched: lock, m_count, global, idle_ps, idle_ms, idle, procs, started, ext);
    }
}
