//! A one-shot event: one thread sleeps, and one thread wakes it. Idle Ms wait on notes.
//!
//! States: `CLEAR` -> `SET` (woken before the sleep) and `CLEAR` -> `ASLEEP` -> `SET`. Only the
//! sleeper changes the note back to `CLEAR`. No wake-up is lost: the sleeper announces itself by
//! a compare-and-swap from `CLEAR`, and the kernel compares `ASLEEP` again under its own lock
//! before it lets the thread sleep; so it sees a `SET` that comes in between.
//!
//! Two wake-ups may become one event, and one may be left over from a wait that did not need it.
//! A sleeper to which this can happen waits in a loop for a condition. The condition is visible:
//! everything that both wakers wrote before `wake` is visible after `sleep`.
//!
//! Go: lock_futex.go notesleep, notewakeup.
#![forbid(unsafe_code)]

use crate::core::base::atomic::Ordering::{Acquire, Release};
use crate::core::sys::clock::Nanos;
use crate::core::sys::futex::Futex;

const CLEAR: u32 = 0;
const ASLEEP: u32 = 1;
const SET: u32 = 2;

/// See the file's header.
#[derive(Debug)]
pub(crate) struct Note(Futex);

impl Note {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Note {
        Note(Futex::new(CLEAR))
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Note {
        Note(Futex::new(CLEAR))
    }

    /// Sleeps until [`Note::wake`], then takes the event: the note is clear again.
    pub(crate) fn sleep(&self) {
        let woken = self.sleep_until(None);
        debug_assert!(woken);
    }

    /// As [`Note::sleep`], but gives up at `deadline`. Returns `true` if it was woken, and `false`
    /// if the deadline passed first; then the note is clear (a wake-up that comes later stays in
    /// it).
    pub(crate) fn sleep_until(&self, deadline: Option<Nanos>) -> bool {
        let word = &self.0.word;
        // Acquire pairs(note): everything the waker did before `wake` is visible here.
        if word
            .compare_exchange(CLEAR, ASLEEP, Acquire, Acquire)
            .is_ok()
        {
            while word.load(Acquire) == ASLEEP {
                if !self.0.wait(ASLEEP, deadline)
                    && word
                        .compare_exchange(ASLEEP, CLEAR, Acquire, Acquire)
                        .is_ok()
                {
                    return false;
                }
            }
        }
        // Not a plain store: a second waker's `SET` may come between the look and this, and
        // what it wrote before must not be missed when its event is swallowed.
        // Acquire pairs(note): wake's Release.
        word.swap(CLEAR, Acquire);
        true
    }

    #[cfg(all(test, loom))]
    pub(crate) fn is_clear(&self) -> bool {
        self.0.word.load(Acquire) == CLEAR
    }

    /// Sets the event and wakes the sleeper, if there is one.
    pub(crate) fn wake(&self) {
        // Release pairs(note): sleep_until's Acquire.
        if self.0.word.swap(SET, Release) == ASLEEP {
            self.0.wake(1);
        }
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::core::base::atomic::Ordering::Relaxed;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicBool;

    /// A leftover event and the real one fall together: the sleeper that loops for its
    /// condition must not sleep forever (loom reports that as a deadlock).
    #[test]
    fn a_leftover_event_swallows_no_wake_up() {
        loom::model(|| {
            let pair = Arc::new((Note::new(), AtomicBool::new(false)));
            pair.0.wake(); // left over
            let waker = Arc::clone(&pair);
            let t = loom::thread::spawn(move || {
                waker.1.store(true, Release);
                waker.0.wake();
            });
            while !pair.1.load(Acquire) {
                pair.0.sleep();
            }
            t.join().unwrap();
        });
    }

    #[test]
    fn a_wake_up_is_never_lost_and_carries_what_came_before() {
        loom::model(|| {
            let pair = Arc::new((Note::new(), AtomicBool::new(false)));
            let waker = Arc::clone(&pair);
            let t = loom::thread::spawn(move || {
                waker.1.store(true, Relaxed);
                waker.0.wake();
            });
            pair.0.sleep();
            assert!(pair.1.load(Relaxed), "the waker's writes are visible");
            t.join().unwrap();
        });
    }
}
