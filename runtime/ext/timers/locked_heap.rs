//! The operations on a heap whose lock is held: the *keeper*'s half.
//!
//! Invariant `sorted-or-marked`: a timer's key in the array is its time, or its word says
//! *modified*. A hand may change a word at any moment, so every step here is a compare-and-swap
//! from the value that was read, and is tried again if the word has changed.
//!
//! Go: time.go cleanHead, adjust, run, updateHeap, take.
#![forbid(unsafe_code)]

use crate::core::sys::clock::Nanos;
use crate::core::sys::lock::RawLock;
use crate::ext::timers::dary_heap::DaryHeap;
use crate::ext::timers::expired::ExpiredTimers;
use crate::ext::timers::runtime_timer::RuntimeTimer;
use crate::ext::timers::wake_time::WakeTime;

/// How many stopped or moved timers an arming tidies up on its way, at most.
const CLEAN_MAX: u32 = 32;

/// Evidence: the lock of the heap with this array is held. Its end publishes what was done.
pub(crate) struct LockedHeap<'a, W: 'static> {
    lock: &'a RawLock,
    array: &'a DaryHeap<W>,
    shared: &'a WakeTime,
}

/// What a look at a timer has found, with its word put right.
enum Found {
    /// Stopped: idle now, and to be taken out of the array.
    Gone,
    /// Moved: sorted by this time from now on.
    Moved(Nanos),
    /// As the array has it.
    Sorted,
}

impl<'a, W: Sync> LockedHeap<'a, W> {
    pub(crate) fn new(lock: &'a RawLock, array: &'a DaryHeap<W>, shared: &'a WakeTime) -> Self {
        lock.lock();
        LockedHeap {
            lock,
            array,
            shared,
        }
    }

    /// Puts a timer's word in line with what the hand wants.
    fn tidy(&self, node: &RuntimeTimer<W>) -> Found {
        loop {
            let seen = node.word.load();
            if !seen.is_modified() {
                return Found::Sorted;
            }
            if seen.is_zombie() {
                if node.word.discard(seen) {
                    self.shared.count_zombie(false);
                    return Found::Gone;
                }
            } else if node.word.settle(seen) {
                return Found::Moved(seen.when());
            }
        }
    }

    /// Tidies the last and the first place for a while. The last needs no sorting, and makes it
    /// likely that what moves to the front is alive.
    pub(crate) fn clean_ends(&self) {
        for _ in 0..CLEAN_MAX {
            let len = self.array.len();
            if len == 0 {
                return;
            }
            let last = self.array.node(len - 1);
            let seen = last.word.load();
            if seen.is_zombie() && last.word.discard(seen) {
                self.shared.count_zombie(false);
                self.array.remove_unsorted(len - 1);
            } else if !self.tidy_first() {
                return;
            }
        }
    }

    /// Puts the first in order. Returns `true` if it was not as the array had it; there may be
    /// another first now.
    fn tidy_first(&self) -> bool {
        let Some((_, node)) = self.array.first() else {
            return false;
        };
        match self.tidy(node) {
            Found::Gone => self.array.pop_first(),
            Found::Moved(when) => self.array.rekey_first(when),
            Found::Sorted => return false,
        }
        true
    }

    /// Fires the first into `out` if it is due. Returns `false` if it is not, or if there is none.
    pub(crate) fn take_first(&self, now: Nanos, out: &mut ExpiredTimers<W>) -> bool {
        if self.tidy_first() {
            return true;
        }
        let Some((key, node)) = self.array.first() else {
            return false;
        };
        if key > now {
            return false;
        }
        let seen = node.word.load();
        if seen.is_modified() {
            return true; // just now: look again
        }
        let fire = node.due();
        if !node.word.fire(seen) {
            return true; // stopped or moved at the last moment
        }
        self.array.pop_first();
        out.push(fire);
        true
    }

    /// Tidies and sorts everything. The order of the steps keeps the wake time right
    /// throughout: `README.md#never-too-late`.
    pub(crate) fn adjust(&self) {
        self.shared.lock_in();
        let mut changed = false;
        let mut i = 0;
        while i < self.array.len() {
            match self.tidy(self.array.node(i)) {
                Found::Gone => {
                    self.array.remove_unsorted(i);
                    changed = true;
                    continue; // another one stands here now
                }
                Found::Moved(when) => {
                    self.array.rekey_unsorted(i, when);
                    changed = true;
                }
                Found::Sorted => (),
            }
            i += 1;
        }
        if changed {
            self.array.rebuild();
        }
        self.publish_first();
    }

    /// Moves everything to the heap that `to` keeps, whose shared half is `home`.
    pub(crate) fn move_all(&self, to: &LockedHeap<'_, W>, home: &'static WakeTime) {
        self.shared.lock_in();
        while let Some(last) = self.array.len().checked_sub(1) {
            let node = self.array.node(last);
            self.array.remove_unsorted(last);
            // First the home, then the word, whatever it says: a hand that comes after the
            // change of the word finds the new home.
            node.set_home(home);
            if let Some(when) = self.settle(node) {
                to.array.push_unsorted(when, node);
            }
        }
        to.array.rebuild();
        to.publish_first();
        self.publish_first();
    }

    /// Changes the word in any case. The time it is sorted by now, if it is alive.
    fn settle(&self, node: &RuntimeTimer<W>) -> Option<Nanos> {
        loop {
            let seen = node.word.load();
            if seen.is_zombie() {
                if node.word.discard(seen) {
                    self.shared.count_zombie(false);
                    return None;
                }
            } else if node.word.settle(seen) {
                return Some(seen.when());
            }
        }
    }

    pub(crate) fn publish_first(&self) {
        self.shared
            .set_first(self.array.first().map(|(key, _)| key));
    }
}

impl<W> Drop for LockedHeap<'_, W> {
    fn drop(&mut self) {
        self.shared.set_len(self.array.len());
        self.lock.unlock();
    }
}
