//! The P: a run queue and caches of its own. The M that holds a P may run goroutines.
//!
//! The owner half (queue, ticks, caches) is touched only by the M that holds the P; thieves and
//! sysmon see the shared half. Ps are made once, never freed, and named by their index.
//!
//! Go: runtime2.go p.
#![forbid(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::atomic::Ordering::{self, Relaxed};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64};

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::g::allgs;
use crate::core::g::goroutine::{G, GRef};
use crate::core::g::gqueue::GQueue;
use crate::core::hooks::TimerHeap;
use crate::core::p::owner::HoldsP;
use crate::core::p::run_queue::{LocalQueue, Picked};
use crate::core::stackalloc::Class;
use crate::core::stackalloc::SlotRef;
use crate::core::stackalloc::StackError;
use crate::core::stackalloc::cache::StackCache;

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

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// A goroutine id for a spawner without a P.
pub(crate) fn next_id_without_p() -> u64 {
    NEXT_ID.fetch_add(1, Relaxed)
}

#[repr(align(128))]
#[derive(Debug)]
pub(crate) struct P {
    pub(crate) id: u32,
    status: AtomicU8,
    /// Next idle P; under the scheduler's lock.
    pub(crate) idle_link: AtomicRef<P>,
    /// While it waits for a new M: whether that M starts spinning. Under the scheduler's lock.
    pub(crate) wake_spinning: AtomicBool,
    pub(crate) runq: LocalQueue,
    /// Timers that were armed here.
    pub(crate) timers: TimerHeap<G>,
    /// Goes up with every goroutine picked that does not inherit a slice. Go: schedtick.
    pub(crate) schedtick: AtomicU32,
    /// Goes up when the P passes to another M from outside. Go: syscalltick.
    pub(crate) syscalltick: AtomicU32,
    /// The schedtick whose slice is over, as sysmon has seen.
    over_tick: AtomicU32,
    /// The world has started again, and this P has not picked a goroutine since: it may pick one
    /// before the world stops again. And its schedtick at that time.
    owed_pick: AtomicBool,
    restart_tick: AtomicU32,
    /// When a pair of locked goroutines began to hand this P to each other, and its schedtick at
    /// the last hand-over.
    pub(crate) locked_since: AtomicU64,
    pub(crate) locked_tick: AtomicU32,
    /// Number + 1 of the M that holds it, for dumps; 0 = none.
    pub(crate) m: AtomicU32,
    // Owner half: caches.
    stacks: StackCache,
    free_gs: GQueue,
    id_next: AtomicU64,
    id_end: AtomicU64,
    pub(crate) created: AtomicU64,
    pub(crate) finished: AtomicU64,
}

impl P {
    pub(crate) fn new(id: u32, class: Class) -> P {
        P {
            id,
            stacks: StackCache::new(class),
            status: AtomicU8::new(PStatus::Stopped as u8),
            idle_link: AtomicRef::none(),
            wake_spinning: AtomicBool::new(false),
            runq: LocalQueue::new(),
            timers: TimerHeap::new(),
            schedtick: AtomicU32::new(0),
            syscalltick: AtomicU32::new(0),
            over_tick: AtomicU32::new(u32::MAX),
            owed_pick: AtomicBool::new(false),
            restart_tick: AtomicU32::new(0),
            locked_since: AtomicU64::new(0),
            locked_tick: AtomicU32::new(0),
            m: AtomicU32::new(0),
            free_gs: GQueue::new(),
            id_next: AtomicU64::new(0),
            id_end: AtomicU64::new(0),
            created: AtomicU64::new(0),
            finished: AtomicU64::new(0),
        }
    }

    pub(crate) fn status(&self, order: Ordering) -> PStatus {
        match self.status.load(order) {
            0 => PStatus::Idle,
            1 => PStatus::Running,
            3 => PStatus::Stopped,
            _ => PStatus::Dead,
        }
    }

    pub(crate) fn set_status(&self, status: PStatus) {
        self.status.store(status as u8, Relaxed);
    }

    /// The goroutine that runs next has a slice of its own. Called by the owner.
    #[inline]
    pub(crate) fn begin_slice(&self) {
        let tick = self.schedtick.load(Relaxed);
        self.schedtick.store(tick.wrapping_add(1), Relaxed);
    }

    /// Called by sysmon: the slice that began at `tick` is over.
    pub(crate) fn end_slice(&self, tick: u32) {
        self.over_tick.store(tick, Relaxed);
    }

    /// Is the slice over that a goroutine would inherit?
    #[inline]
    pub(crate) fn slice_is_over(&self) -> bool {
        self.over_tick.load(Relaxed) == self.schedtick.load(Relaxed)
    }

    /// The world starts again: this P is owed one pick before the next stop.
    pub(crate) fn owe_pick(&self) {
        self.restart_tick
            .store(self.schedtick.load(Relaxed), Relaxed);
        self.owed_pick.store(true, Relaxed);
    }

    /// The world is about to stop: is the pick still owed?
    pub(crate) fn settle_pick(&self) {
        if self.schedtick.load(Relaxed) != self.restart_tick.load(Relaxed) {
            self.owed_pick.store(false, Relaxed);
        }
    }

    /// In a world that is being stopped: true once, if the pick is owed.
    #[cold]
    pub(crate) fn take_owed_pick(&self) -> bool {
        self.owed_pick.swap(false, Relaxed)
    }

    /// Dead Gs kept here, for statistics.
    pub(crate) fn gs_kept(&self) -> u32 {
        self.free_gs.len()
    }

    /// Has it a free stack of `class` in its cache? Called by the owner, or as a hint.
    pub(crate) fn has_stack(&self, class: Class) -> bool {
        self.stacks.has(class)
    }

    /// Stacks kept here, for statistics.
    pub(crate) fn stacks_kept(&self) -> usize {
        self.stacks.len()
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

    /// `runnext`, or the front.
    #[inline]
    pub(crate) fn get(self) -> Option<Picked> {
        self.runq.get()
    }

    /// Moves half of the victim's queue into this P's, and hands out the newest of them to run.
    pub(crate) fn steal_half(self, victim: &P) -> Option<GRef> {
        victim.runq.steal_half(&self.runq)
    }

    /// Takes everything, in the order it would have run: for a P that goes away.
    pub(crate) fn drain(self) -> GQueue {
        self.runq.drain()
    }

    /// The next goroutine id.
    pub(crate) fn next_id(self) -> u64 {
        let mut id = self.id_next.load(Relaxed);
        if id == self.id_end.load(Relaxed) {
            id = NEXT_ID.fetch_add(ID_BLOCK, Relaxed);
            self.id_end.store(id + ID_BLOCK, Relaxed);
        }
        self.id_next.store(id + 1, Relaxed);
        id
    }

    /// A dead G to spawn on, if there is one here or in the shared list.
    pub(crate) fn take_g(self) -> Option<GRef> {
        self.free_gs.pop_front().or_else(|| {
            allgs::take_free(&self.free_gs, FREE_MAX / 2);
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
        allgs::give_free(&spill);
    }

    /// Fresh Gs for the next spawns.
    pub(crate) fn add_gs(self, gs: &GQueue) {
        self.free_gs.append(gs);
    }

    /// A stack of `class`.
    #[inline]
    pub(crate) fn take_stack(self, class: Class) -> Result<SlotRef, StackError> {
        self.stacks.take(class)
    }

    /// Keeps a stack for the next goroutine.
    #[inline]
    pub(crate) fn give_stack(self, slot: SlotRef) {
        self.stacks.give(slot);
    }

    /// Gives its free stacks to the depot, where they can be trimmed.
    pub(crate) fn flush_stacks(self) {
        self.stacks.flush();
    }

    /// Gives all caches back: for a P that is removed.
    pub(crate) fn flush_caches(self) {
        allgs::give_free(&self.free_gs);
        self.stacks.flush();
    }
}
