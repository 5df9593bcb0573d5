//! The P: a run queue and caches of its own. The M that holds a P may run goroutines.
//!
//! The owner half (queue, ticks, caches) is touched only by the M that holds the P; thieves and
//! sysmon see the shared half. Ps are made once, never freed, and named by their index.
//!
//! Go: runtime2.go p.
#![forbid(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::base::alone::Alone;
use crate::core::base::m_id::AtomicMId;
use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::g::free_gs;
use crate::core::g::goroutine::GRef;
use crate::core::g::gqueue::GQueue;
use crate::core::hooks::PExt;
use crate::core::p::owner::HoldsP;
use crate::core::p::run_queue::{LocalQueue, Picked};

/// Go: _Pidle, _Prunning, _Pgcstop, _Pdead. Changed under the scheduler's lock, or by the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum PStatus {
    Idle = 0,
    Running = 1,
    Stopped = 3,
    Dead = 4,
}

/// Most Ps there can be.
pub(crate) const MAX_PS: usize = 1024;

/// Goroutine ids are handed to a P in blocks. Go: _GoidCacheBatch.
const ID_BLOCK: u64 = 16;
/// A P keeps at most this many dead Gs, and spills down to half. Go: gfput.
const FREE_MAX: u32 = 64;

static NEXT_ID: Alone<AtomicU64> = Alone(AtomicU64::new(1));

/// A goroutine id for a spawner without a P.
pub(crate) fn next_id_without_p() -> u64 {
    NEXT_ID.fetch_add(1, Relaxed)
}

/// Which fields share a cache line: `docs/scaling.md`.
#[repr(C, align(128))]
#[derive(Debug)]
pub(crate) struct P {
    // For those who look from outside; changes when the P passes to another M, or to none.
    pub(crate) id: u32,
    status: OwnerCell<u8>,
    /// The M that holds it.
    pub(crate) m: AtomicMId,
    /// Next idle P; under the scheduler's lock.
    pub(crate) idle_link: OwnerRef<P>,
    pub(crate) runq: LocalQueue,
    // Owner half: written at each pick, spawn and end.
    /// Goes up with every goroutine picked that does not inherit a slice. Go: schedtick.
    pub(crate) schedtick: OwnerCell<u32>,
    pub(crate) free_gs: GQueue,
    id_next: OwnerCell<u64>,
    id_end: OwnerCell<u64>,
    /// What the extras keep here.
    ext: PExt,
}

impl Deref for P {
    type Target = PExt;

    #[inline]
    fn deref(&self) -> &PExt {
        &self.ext
    }
}

impl P {
    pub(crate) fn new(id: u32) -> P {
        P {
            id,
            status: OwnerCell::<u8>::new(PStatus::Stopped as u8),
            idle_link: OwnerRef::none(),
            runq: LocalQueue::new(),
            schedtick: OwnerCell::zero(),
            m: AtomicMId::none(),
            free_gs: GQueue::new(),
            id_next: OwnerCell::zero(),
            id_end: OwnerCell::zero(),
            ext: PExt::new(),
        }
    }

    pub(crate) fn status(&self) -> PStatus {
        match self.status.peek() {
            0 => PStatus::Idle,
            1 => PStatus::Running,
            3 => PStatus::Stopped,
            _ => PStatus::Dead,
        }
    }

    pub(crate) fn set_status(&self, status: PStatus) {
        self.status.set(status as u8);
    }

    /// The goroutine that runs next has a slice of its own. Called by the owner.
    #[inline]
    pub(crate) fn begin_slice(&self) {
        let tick = self.schedtick.get();
        self.schedtick.set(tick.wrapping_add(1));
    }
}

/// The right to a P, and the handle to its owner's half. An M that gives the P away gives this
/// away.
///
/// The calling thread holds the P and is in the runtime; or no M holds the P, and only the caller
/// uses it. A thread holds at most one.
#[derive(Debug)]
pub(crate) struct HeldP(LentP<'static>);

/// The same, lent by its holder: one word, as cheap as the pointer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LentP<'a> {
    p: &'static P,
    held: PhantomData<(&'a HeldP, HoldsP)>,
}

impl HeldP {
    #[inline]
    pub(crate) fn new(p: &'static P, _: HoldsP) -> HeldP {
        HeldP(LentP {
            p,
            held: PhantomData,
        })
    }

    #[inline]
    pub(crate) fn lend(&self) -> LentP<'_> {
        self.0
    }
}

impl Deref for HeldP {
    type Target = LentP<'static>;

    #[inline]
    fn deref(&self) -> &LentP<'static> {
        &self.0
    }
}

impl Deref for LentP<'_> {
    type Target = P;

    #[inline]
    fn deref(&self) -> &P {
        self.p
    }
}

impl LentP<'_> {
    /// Itself, to be named, or given to others when the right to it is gone.
    #[inline]
    pub(crate) fn p(self) -> &'static P {
        self.p
    }

    /// Puts `g` into `runnext`, and what was there at the back. What overflows goes to `spill`.
    #[inline]
    pub(crate) fn put_next(self, g: GRef, spill: impl FnOnce(&GQueue)) {
        self.runq.put_next(g, spill);
    }

    /// Puts `g` at the back. What overflows goes to `spill`.
    #[inline]
    pub(crate) fn put(self, g: GRef, spill: impl FnOnce(&GQueue)) {
        self.runq.put(g, spill);
    }

    /// Puts `g`, which has yielded, behind all in the global queue. What overflows goes to `spill`.
    #[inline]
    pub(crate) fn put_yielded(self, g: GRef, end: u32, spill: impl FnOnce(&GQueue)) {
        self.runq.yielded.put(g, end, spill);
    }

    /// The first of those that have yielded; others leave for the queue, `most` in all.
    #[inline]
    pub(crate) fn take_yielded(self, most: u32, end: u32) -> Option<GRef> {
        self.runq.take_yielded(most, end)
    }

    /// The first of those that have yielded. The others are behind the global queue, as it ends now, at
    /// number `end`.
    pub(crate) fn next_yielded(self, end: u32) -> Option<GRef> {
        self.runq.yielded.leave_behind(end);
        self.get_yielded()
    }

    /// The first of those that have yielded.
    pub(crate) fn get_yielded(self) -> Option<GRef> {
        self.runq.yielded.get()
    }

    /// All that have yielded: for the end of the global queue.
    pub(crate) fn drain_yielded(self) -> GQueue {
        self.runq.yielded.drain()
    }

    /// `runnext`, or the front.
    #[inline]
    pub(crate) fn get(self) -> Option<Picked> {
        self.runq.get()
    }

    /// Moves half of the victim's queue into this P's, and hands out the newest of them to run; and how many
    /// these were.
    pub(crate) fn steal_half(self, victim: &P) -> Option<(GRef, u32)> {
        victim.runq.steal_half(&self.runq)
    }

    /// Takes everything but what has yielded, in the order it would have run: for a P that goes away.
    pub(crate) fn drain(self) -> GQueue {
        self.runq.drain()
    }

    /// The next goroutine id.
    pub(crate) fn next_id(self) -> u64 {
        let mut id = self.id_next.get();
        if id == self.id_end.get() {
            id = NEXT_ID.fetch_add(ID_BLOCK, Relaxed);
            self.id_end.set(id + ID_BLOCK);
        }
        self.id_next.set(id + 1);
        id
    }

    /// A dead G to spawn on, if there is one here or in the shared list.
    pub(crate) fn take_g(self) -> Option<GRef> {
        self.free_gs.pop_front().or_else(|| {
            free_gs::take(&self.free_gs, FREE_MAX / 2);
            self.free_gs.pop_front()
        })
    }

    /// Keeps a dead G for the next spawn.
    pub(crate) fn give_g(self, g: GRef) {
        self.free_gs.push_front(g);
        if self.free_gs.len() >= FREE_MAX {
            self.spill_gs();
        }
    }

    #[cold]
    fn spill_gs(self) {
        let spill = GQueue::new();
        while self.free_gs.len() > FREE_MAX / 2 {
            self.free_gs
                .pop_front()
                .into_iter()
                .for_each(|g| spill.push_back(g));
        }
        free_gs::give(&spill);
    }

    /// Fresh Gs for the next spawns.
    pub(crate) fn add_gs(self, gs: &GQueue) {
        self.free_gs.append(gs);
    }
}

#[cfg(all(test, not(loom), feature = "ext"))]
mod lines {
    use super::*;
    use crate::core::base::alone::assert_lines;

    #[test]
    fn the_lines_are_those_of_the_page() {
        assert_lines!(P: id, status, m, idle_link, runq, schedtick, free_gs, id_next, ext);
    }
}
