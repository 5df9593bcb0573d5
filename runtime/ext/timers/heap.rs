//! One P's timers. Any thread may arm, move and stop them; the thread that finds a due timer runs
//! it.
//!
//! Stop and move change only the timer's word (and `min_moved`, when the timer moves forward),
//! never the array: the keeper corrects the array when it matters.
//!
//! Go: time.go timers, maybeAdd, addHeap, check, take.
#![forbid(unsafe_code)]

use crate::core::sys::clock::Nanos;
use crate::core::sys::lock::RawLock;
use crate::ext::timers::dary_heap::DaryHeap;
use crate::ext::timers::expired::ExpiredTimers;
use crate::ext::timers::locked_heap::LockedHeap;
use crate::ext::timers::runtime_timer::{Rearm, RuntimeTimer};
use crate::ext::timers::timer_state::NEVER;
use crate::ext::timers::wake_time::WakeTime;

/// See the file's header.
#[derive(Debug)]
pub(crate) struct TimerHeap<W: 'static> {
    lock: RawLock,
    /// Under the lock.
    array: DaryHeap<W>,
    shared: WakeTime,
}

/// What arming has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct Armed {
    /// It was armed before: this was a reset of a pending timer.
    pub(crate) was_armed: bool,
    /// No M was going to look at the heap this early: a timer waiter that sleeps longer must be
    /// told.
    pub(crate) earlier: bool,
}

impl<W: Sync> TimerHeap<W> {
    pub(crate) fn new() -> TimerHeap<W> {
        TimerHeap {
            lock: RawLock::new(),
            array: DaryHeap::new(),
            shared: WakeTime::new(),
        }
    }

    /// Hand: from now on `node` is due at `when` (0 counts as 1, far ones as never). If it is in
    /// no heap, it goes into this one. Inside the runtime.
    pub(crate) fn arm(&'static self, node: &'static RuntimeTimer<W>, when: Nanos) -> Armed {
        let when = when.clamp(1, NEVER);
        match node.rearm(when) {
            Rearm::Done { was_armed, earlier } => Armed { was_armed, earlier },
            Rearm::NotHeaped => Armed {
                was_armed: false,
                earlier: self.add(node, when),
            },
        }
    }

    fn add(&'static self, node: &'static RuntimeTimer<W>, when: Nanos) -> bool {
        let keeper = self.keep();
        keeper.clean_ends();
        let earlier = self.shared.wake_time().is_none_or(|wake| when < wake);
        node.set_home(&self.shared);
        node.word.place(when);
        self.array.push(when, node);
        keeper.publish_first();
        earlier
    }

    /// When an M should look at this heap, or earlier. It takes no lock.
    #[inline]
    pub(crate) fn wake_time(&self) -> Option<Nanos> {
        self.shared.wake_time()
    }

    /// Timers in the heap, stopped ones that were not cleaned up yet included. No lock.
    pub(crate) fn len(&self) -> u32 {
        self.shared.len()
    }

    /// Returns `true` if `run_expired` has something to do. `local`: the caller holds the P. No
    /// lock.
    #[inline]
    pub(crate) fn needs_look(&self, now: Nanos, local: bool) -> bool {
        self.wake_time().is_some_and(|wake| wake <= now) || (local && self.shared.is_littered())
    }

    /// Takes the timers that are due at `now`, in order, until `out` is full; returns when to
    /// look again, which is at once (`now`) if there is more. `local`: the caller holds the P,
    /// and cleans up.
    pub(crate) fn run_expired(
        &self,
        now: Nanos,
        local: bool,
        out: &mut ExpiredTimers<W>,
    ) -> Option<Nanos> {
        if !self.needs_look(now, local) {
            return self.wake_time();
        }
        let keeper = self.keep();
        if self.shared.moved_by(now) {
            keeper.adjust();
        }
        while !out.is_full() && keeper.take_first(now, out) {}
        if local && self.shared.is_littered() {
            keeper.adjust();
        }
        keeper.publish_first();
        self.wake_time()
    }

    /// Throws the stopped ones out if they are many; so a heap of nothing else is empty after.
    pub(crate) fn tidy(&self) {
        if self.shared.is_littered() {
            self.keep().adjust();
        }
    }

    /// Really no timer here, after all stopped ones were thrown out.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn is_idle(&self) -> bool {
        let keeper = self.keep();
        keeper.adjust();
        self.array.len() == 0
    }

    /// Moves all timers to `to`: for a P that goes away. Go: take.
    pub(crate) fn take_all_into(&self, to: &'static TimerHeap<W>) {
        if !std::ptr::eq(self, to) {
            // Only the one who resizes ever holds two heaps: no order needed.
            self.keep().move_all(&to.keep(), &to.shared);
        }
    }

    fn keep(&self) -> LockedHeap<'_, W> {
        LockedHeap::new(&self.lock, &self.array, &self.shared)
    }

    #[cfg(any(test, fuzzing))]
    pub(crate) fn is_sorted(&self) -> bool {
        let _keeper = self.keep();
        self.array.is_sorted()
    }
}

#[cfg(all(test, not(loom)))]
mod lines {
    use super::*;
    use crate::core::base::alone::assert_lines;

    #[test]
    fn the_lines_are_those_of_the_page() {
        assert_lines!(TimerHeap<u8>: lock, array, shared);
    }
}
