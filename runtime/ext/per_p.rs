//! The fields of a P for the extras, which use them as if they were the P's own fields.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::base::owner_cell::OwnerCell;
use crate::core::g::free_gs;
use crate::core::g::goroutine::G;
use crate::core::p::processor::{LentP, P};
use crate::core::sys::clock::Nanos;
use crate::ext::stackalloc::cache::StackCache;
use crate::ext::stackalloc::promise::default_class;
use crate::ext::stackalloc::{Class, SlotRef, StackError};
use crate::ext::timers::heap::TimerHeap;

#[derive(Debug)]
pub(crate) struct PExt {
    /// While it waits for a new M: whether that M starts spinning. Under the scheduler's lock.
    pub(crate) wake_spinning: OwnerCell<bool>,
    /// Timers that were armed here.
    pub(crate) timers: TimerHeap<G>,
    /// Goes up when the P passes to another M from outside. Go: syscalltick.
    pub(crate) syscalltick: OwnerCell<u32>,
    /// The schedtick whose slice is over, as sysmon has seen.
    over_tick: OwnerCell<u32>,
    /// The world has started again, and this P has not picked a goroutine since: it may pick one
    /// before the world stops again. And its schedtick at that time.
    owed_pick: AtomicBool,
    restart_tick: OwnerCell<u32>,
    /// Since when goroutines have stopped the world here in one slice, and the schedtick of that slice.
    stops_since: OwnerCell<u64>,
    stops_tick: OwnerCell<u32>,
    /// When a pair of locked goroutines began to hand this P to each other, and its schedtick at
    /// the last hand-over.
    pub(crate) locked_since: OwnerCell<u64>,
    pub(crate) locked_tick: OwnerCell<u32>,
    /// How often it was taken by an M or from one, while that was recorded (`ext/trace/`).
    pub(crate) moves: OwnerCell<u32>,
    // Owner half.
    stacks: StackCache,
    pub(crate) created: OwnerCell<u64>,
    pub(crate) finished: OwnerCell<u64>,
}

impl PExt {
    pub(crate) fn new() -> PExt {
        PExt {
            wake_spinning: OwnerCell::zero(),
            timers: TimerHeap::new(),
            syscalltick: OwnerCell::zero(),
            over_tick: OwnerCell::<u32>::new(u32::MAX),
            owed_pick: AtomicBool::new(false),
            restart_tick: OwnerCell::zero(),
            stops_since: OwnerCell::zero(),
            stops_tick: OwnerCell::zero(),
            locked_since: OwnerCell::zero(),
            locked_tick: OwnerCell::zero(),
            moves: OwnerCell::zero(),
            stacks: StackCache::new(default_class()),
            created: OwnerCell::zero(),
            finished: OwnerCell::zero(),
        }
    }
}

impl P {
    /// By sysmon: the slice that began at `tick` is over.
    pub(crate) fn end_slice(&self, tick: u32) {
        self.over_tick.set(tick);
    }

    /// Is the slice over that a goroutine would inherit?
    #[inline]
    pub(crate) fn slice_is_over(&self) -> bool {
        self.over_tick.get() == self.schedtick.get()
    }

    /// The world starts again: this P is owed one pick before the next stop.
    pub(crate) fn owe_pick(&self) {
        self.restart_tick.set(self.schedtick.get());
        self.owed_pick.store(true, Relaxed);
    }

    /// The world is about to stop: is the pick still owed?
    pub(crate) fn settle_pick(&self) {
        if self.schedtick.get() != self.restart_tick.get() {
            self.owed_pick.store(false, Relaxed);
        }
    }

    /// A goroutine stops the world, or has stopped it, at `now`: for how long goroutines have done
    /// so in this slice.
    pub(crate) fn stops_for(&self, now: Nanos) -> Nanos {
        let tick = self.schedtick.get();
        if self.stops_tick.get() != tick {
            self.stops_tick.set(tick);
            self.stops_since.set(now);
        }
        now - self.stops_since.get()
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

impl LentP<'_> {
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
        free_gs::give(&self.free_gs);
        self.stacks.flush();
    }
}

#[cfg(all(test, not(loom)))]
mod lines {
    use super::*;
    use crate::core::base::alone::assert_lines;

    #[test]
    fn the_lines_are_those_of_the_page() {
        assert_lines!(PExt: timers, stacks, created, finished, syscalltick, moves);
    }
}
