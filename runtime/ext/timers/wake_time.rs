//! The part of a heap that can be read without its lock: above all, when to look at the heap
//! next.
//!
//! `wake_time` is never too late (`README.md#never-too-late`): the keeper takes the earliest
//! moved time into `min_heap` before it clears `min_moved`, and readers read `min_moved` first.
//!
//! Go: time.go timers.wakeTime, updateMinWhenModified, the long comment in adjust.
#![forbid(unsafe_code)]

use crate::core::base::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use crate::core::base::atomic::{AtomicU32, AtomicU64};
use crate::core::sys::clock::Nanos;

const NONE: Nanos = Nanos::MAX;

/// Read by everybody, at every pick: on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct WakeTime {
    /// The earliest key in the heap, or earlier. Written by the keeper.
    min_heap: AtomicU64,
    /// The earliest time that a hand has moved a timer *forward* to, or earlier. Lowered by
    /// hands, cleared by the keeper.
    min_moved: AtomicU64,
    /// Zombies in the heap, wrapping: hand and keeper count after their change of the word, so
    /// for a moment it can be off. A hint.
    zombies: AtomicU32,
    /// Timers in the heap, zombies too. Written by the keeper.
    len: AtomicU32,
}

impl WakeTime {
    pub(crate) fn new() -> WakeTime {
        WakeTime {
            min_heap: AtomicU64::new(NONE),
            min_moved: AtomicU64::new(NONE),
            zombies: AtomicU32::new(0),
            len: AtomicU32::new(0),
        }
    }

    /// When an M should look at this heap, or earlier; `None` if there is nothing to wait for.
    #[inline]
    pub(crate) fn wake_time(&self) -> Option<Nanos> {
        // Acquire pairs(min-moved): lock_in's clearing, so that the load below sees what it
        // took out. In this order.
        let moved = self.min_moved.load(Acquire);
        let when = self.min_heap.load(Relaxed).min(moved);
        (when != NONE).then_some(when)
    }

    /// Hand: a timer was moved forward to `when`. After the word was changed. Returns `true` if
    /// nobody was going to look that early.
    pub(crate) fn note_moved(&self, when: Nanos) -> bool {
        let earlier = self.wake_time().is_none_or(|wake| when < wake);
        // Release pairs(min-moved): the keeper that takes this sees the changed word.
        self.min_moved.fetch_min(when, AcqRel);
        earlier
    }

    /// Keeper: true if a timer was moved forward to `now` or earlier.
    #[inline]
    pub(crate) fn moved_by(&self, now: Nanos) -> bool {
        self.min_moved.load(Relaxed) <= now
    }

    /// Keeper, before it looks at every timer: takes the moved times over.
    pub(crate) fn lock_in(&self) {
        let mut heap = self.min_heap.load(Relaxed);
        let mut moved = self.min_moved.load(Relaxed);
        while moved != NONE {
            heap = heap.min(moved);
            self.min_heap.store(heap, Relaxed);
            // Acquire pairs(min-moved): the words of the timers whose times this takes.
            // Release pairs(min-moved): wake_time sees min_heap from above.
            match self
                .min_moved
                .compare_exchange(moved, NONE, AcqRel, Relaxed)
            {
                Ok(_) => break,
                Err(lower) => moved = lower,
            }
        }
    }

    /// Keeper: the exact key of the first.
    #[inline]
    pub(crate) fn set_first(&self, key: Option<Nanos>) {
        self.min_heap.store(key.unwrap_or(NONE), Relaxed); // ordered by fence (sleeper)
    }

    /// Hand and keeper, after a change of the word.
    #[inline]
    pub(crate) fn count_zombie(&self, more: bool) {
        let by = if more { 1 } else { 1u32.wrapping_neg() };
        self.zombies.fetch_add(by, Relaxed);
    }

    #[inline]
    pub(crate) fn set_len(&self, len: usize) {
        self.len.store(len as u32, Relaxed);
    }

    /// Timers in the heap, zombies included.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.len.load(Relaxed)
    }

    /// More than a quarter is zombies: worth a rebuild.
    #[inline]
    pub(crate) fn is_littered(&self) -> bool {
        let zombies = self.zombies.load(Relaxed) as i32;
        zombies > 0 && zombies as u32 > self.len() / 4
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::ext::timers::timer_state::TimerState;
    use loom::sync::Arc;

    const FAR: Nanos = 100;
    const NEAR: Nanos = 50;

    /// A heap of one timer, sorted by `FAR`.
    fn one() -> Arc<(WakeTime, TimerState)> {
        let heap = Arc::new((WakeTime::new(), TimerState::new()));
        heap.1.place(FAR);
        heap.0.set_first(Some(FAR));
        heap.0.set_len(1);
        heap
    }

    fn adjust((shared, word): &(WakeTime, TimerState)) {
        shared.lock_in();
        let mut seen = word.load();
        while seen.is_modified() && !word.settle(seen) {
            seen = word.load();
        }
        shared.set_first(Some(seen.when()));
    }

    fn move_to((shared, word): &(WakeTime, TimerState), when: Nanos) {
        word.rearm(when).unwrap();
        shared.note_moved(when);
    }

    /// Once a timer was moved forward, no look at the wake time ever sees the old one, while
    /// the keeper adjusts twice.
    #[test]
    fn the_wake_time_is_never_too_late() {
        loom::model(|| {
            let heap = one();
            let (hand, keeper) = (Arc::clone(&heap), Arc::clone(&heap));
            let hand = loom::thread::spawn(move || {
                move_to(&hand, NEAR);
                assert!(hand.0.wake_time().unwrap() <= NEAR);
            });
            let keeper = loom::thread::spawn(move || {
                adjust(&keeper);
                adjust(&keeper);
            });
            hand.join().unwrap();
            assert!(heap.0.wake_time().unwrap() <= NEAR);
            keeper.join().unwrap();
            assert!(heap.0.wake_time().unwrap() <= NEAR);
        });
    }

    /// A look from a third thread that has heard of the move.
    #[test]
    fn a_third_thread_is_not_late_either() {
        loom::model(|| {
            let heap = one();
            move_to(&heap, NEAR);
            let keeper = Arc::clone(&heap);
            let keeper = loom::thread::spawn(move || adjust(&keeper));
            assert!(heap.0.wake_time().unwrap() <= NEAR);
            keeper.join().unwrap();
            assert_eq!(heap.0.wake_time(), Some(NEAR));
        });
    }

    /// Stop and fire meet: exactly one of them has it, and the keeper has read what belongs to
    /// the arming that it fires.
    #[test]
    fn stop_or_fire_and_never_a_torn_one() {
        loom::model(|| {
            let heap = Arc::new((WakeTime::new(), TimerState::new(), AtomicU64::new(1)));
            heap.1.place(NEAR);
            let hand = Arc::clone(&heap);
            let hand = loom::thread::spawn(move || {
                let stopped = hand.1.disarm().is_armed();
                hand.2.store(2, Relaxed); // the next arming's data
                let again = hand.1.rearm(NEAR).is_ok();
                (stopped, again)
            });
            let seen = heap.1.load();
            let fired = if seen.is_armed() && !seen.is_modified() {
                let data = heap.2.load(Relaxed);
                heap.1.fire(seen).then_some(data)
            } else {
                None
            };
            let (stopped, again) = hand.join().unwrap();
            assert_eq!(stopped, fired.is_none());
            assert_eq!(stopped, again, "a stopped one stays in the heap");
            assert!(fired.is_none_or(|data| data == 1));
        });
    }

    /// Arming again and throwing out meet: it is armed in the heap, or it is out and the hand
    /// knows that it has to place it.
    #[test]
    fn an_armed_timer_is_never_thrown_out() {
        loom::model(|| {
            let heap = one();
            heap.1.disarm();
            let keeper = Arc::clone(&heap);
            let keeper = loom::thread::spawn(move || {
                let seen = keeper.1.load();
                seen.is_zombie() && keeper.1.discard(seen)
            });
            let rearmed = heap.1.rearm(NEAR).is_ok();
            let out = keeper.join().unwrap();
            assert_eq!(rearmed, !out);
            assert_eq!(heap.1.load().is_armed(), rearmed);
        });
    }
}
