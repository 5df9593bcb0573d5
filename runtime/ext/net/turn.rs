//! Whose turn it is in one direction of a descriptor: one goroutine at a time reads, and one writes.
//!
//! The word of a direction has room for one waiter, and whoever has used an event must have tried
//! the call again before others wait for the next one (`README.md#edge`). So a goroutine takes the
//! turn before its call and keeps it until the call has succeeded or failed. The others stand in
//! line, in the order of their coming. Whoever gives the turn up hands it to the first.
//!
//! Go: fd_mutex.go fdMutex.rwlock, where the others wait on a semaphore without regard to their
//! deadlines.
#![forbid(unsafe_code)]

use crate::core::base::atomic::AtomicU32;
use crate::core::base::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::core::g::wait_reason::WaitReason;
use crate::core::m::enter::{enter, enter_to_wait};
use crate::core::sched::park::{park, ready};
use crate::core::sys::clock::Nanos;
use crate::core::sys::lock::RawLock;
use crate::core::wait::waiter::Waiter;
use crate::ext::locks::wait_list::WaitList;
use crate::ext::timers::park_until::park_until;

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Held, and somebody may stand in line.
const WANTED: u32 = 2;

/// The two that may claim a wait in the line.
const SERVED: u16 = 0;
const GIVEN_UP: u16 = 1;

#[derive(Debug)]
pub(crate) struct Turn {
    word: AtomicU32,
    lock: RawLock,
    /// Under the lock.
    line: WaitList,
}

/// Gives the turn up when dropped.
#[derive(Debug)]
pub(crate) struct HeldTurn<'a>(&'a Turn);

impl Turn {
    pub(crate) fn new() -> Turn {
        Turn {
            word: AtomicU32::new(FREE),
            lock: RawLock::new(),
            line: WaitList::new(),
        }
    }

    pub(crate) fn is_free(&self) -> bool {
        self.word.load(Relaxed) == FREE
    }

    /// The turn, unless `deadline` comes first. It is computed only if somebody else has the turn.
    #[inline]
    pub(crate) fn take(
        &self,
        deadline: impl FnOnce() -> Option<Nanos>,
    ) -> Option<HeldTurn<'_>> {
        // Acquire pairs(turn): the Release of whoever gave it up.
        let free = self.word.compare_exchange(FREE, HELD, Acquire, Relaxed);
        // Not `then_some`: a `HeldTurn` that is made in any case is dropped, and gives up another's turn.
        (free.is_ok() || self.stand_in_line(deadline())).then(|| HeldTurn(self))
    }

    #[cold]
    fn stand_in_line(&self, deadline: Option<Nanos>) -> bool {
        let rt = enter_to_wait();
        let me = rt.current();
        let round = me.open_round();
        let what = std::ptr::from_ref(self).addr();
        Waiter::on_stack(me, what, Some(round), |waiter| {
            let guard = rt.lock(&self.lock);
            // Acquire pairs(turn): as in `take`.
            if self.word.swap(WANTED, Acquire) == FREE {
                return true;
            }
            me.announce_park_for(WaitReason::IoWait, what);
            self.line.push_back(waiter);
            drop(guard);
            match deadline {
                None => park(rt),
                Some(when) => park_until(rt, when, round, GIVEN_UP),
            }
            if me.wait_round.winner() == Some(SERVED) {
                return true;
            }
            let rt = enter();
            let _guard = rt.lock(&self.lock);
            if waiter.is_queued() {
                self.line.unlink(waiter);
            }
            false
        })
    }

    /// Somebody may stand in line: the first who still does gets the turn.
    #[cold]
    fn hand_on(&self) {
        let rt = enter();
        let guard = rt.lock(&self.lock);
        while let Some(first) = self.line.pop_front() {
            let (g, round) = (first.g, first.round);
            if round.is_none_or(|round| g.wait_round.claim(round, SERVED)) {
                drop(guard);
                ready(&rt, g);
                return;
            }
        }
        self.word.store(FREE, Release); // pairs(turn)
    }
}

impl Drop for HeldTurn<'_> {
    #[inline]
    fn drop(&mut self) {
        let word = &self.0.word;
        // Release pairs(turn): take's Acquire.
        if word.compare_exchange(HELD, FREE, Release, Relaxed).is_err() {
            self.0.hand_on();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::core::sys::clock::nanotime;
    use std::thread;

    #[test]
    fn who_gives_up_leaves_the_turn_to_its_holder() {
        let turn = Turn::new();
        let held = turn.take(|| None);
        assert!(held.is_some());
        for _ in 0..3 {
            let took = || turn.take(|| Some(nanotime() + 1_000_000)).is_some();
            let other = thread::scope(|s| s.spawn(took).join().unwrap());
            assert!(!other, "two have the turn");
        }
        drop(held);
        assert!(turn.take(|| None).is_some());
    }
}
