//! One idle M, the timer waiter, sleeps until the earliest deadline of all Ps; the other idle Ms
//! sleep without a deadline.
//!
//! The word says until when it sleeps: `FREE` (there is no timer waiter), `LOOKING` (it is
//! computing the time), or the time. A goroutine that arms an earlier timer wakes the timer
//! waiter. Neither can miss the other. The goroutine changes the heap, and then reads the word;
//! the timer waiter changes the word, and then reads the heaps; both execute a SeqCst fence
//! between the two steps (`README.md#timer-waiter`).
//!
//! Go: proc.go findRunnable (its end), wakeNetPoller; sched.lastpoll, sched.pollUntil.
#![forbid(unsafe_code)]

use crate::core::base::atomic::Ordering::{Relaxed, SeqCst};
use crate::core::base::atomic::{AtomicU64, fence};
use crate::core::sys::clock::Nanos;
use crate::core::sys::note::Note;
#[cfg(not(loom))]
use crate::ext::linux::epoll;

const FREE: u64 = 0;
/// Below every time: a goroutine that arms a timer now can rely on the look that follows.
const LOOKING: u64 = 1;

/// See the file's header.
#[derive(Debug)]
pub(crate) struct TimerWaiter {
    until: AtomicU64,
    note: Note,
}

/// Why a sleep has ended; the role is free again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Woke {
    /// A timer may be due, or there are goroutines that can run: an M has to look.
    Due,
    /// There is no timer.
    NoTimers,
}

/// How one sleep of the timer waiter has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Doze {
    /// The time has come, or somebody has woken it.
    LookAgain,
    /// It brings goroutines along that can run.
    Work,
}

/// Whether an M will look at a newly armed timer in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Told {
    /// There is a timer waiter, and it will wake up in time.
    Somebody,
    /// There is no timer waiter: wake an M that looks for work.
    Nobody,
}

impl TimerWaiter {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> TimerWaiter {
        TimerWaiter {
            until: AtomicU64::new(FREE),
            note: Note::new(),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> TimerWaiter {
        TimerWaiter {
            until: AtomicU64::new(FREE),
            note: Note::new(),
        }
    }

    /// Takes the role; false if another M has it.
    #[must_use]
    pub(crate) fn try_take(&self) -> bool {
        self.until.load(Relaxed) == FREE
            && self
                .until
                .compare_exchange(FREE, LOOKING, Relaxed, Relaxed)
                .is_ok()
    }

    /// With the role taken: sleeps until the time that `earliest` finds, which may change
    /// meanwhile. `now` is the clock, and `doze` is how it sleeps: on the note, or where it hears of
    /// sockets too.
    pub(crate) fn sleep(
        &self,
        now: impl Fn() -> Nanos,
        earliest: impl Fn() -> Option<Nanos>,
        doze: impl Fn(&Note, Nanos) -> Doze,
    ) -> Woke {
        loop {
            self.set(LOOKING);
            let Some(when) = earliest() else {
                self.set(FREE);
                // Who has relied on LOOKING meanwhile is found by a second look.
                if earliest().is_none() || !self.try_take() {
                    return Woke::NoTimers;
                }
                continue;
            };
            if when <= now() {
                self.set(FREE);
                return Woke::Due;
            }
            self.set(when);
            if earliest().is_some_and(|first| first >= when)
                && doze(&self.note, when) == Doze::Work
            {
                self.set(FREE);
                return Woke::Due;
            }
        }
    }

    /// The fence pairs(sleeper) with `tell`'s: that one reads this word, or the look that
    /// follows here finds its timer.
    fn set(&self, until: u64) {
        self.until.store(until, Relaxed);
        fence(SeqCst);
    }

    /// A timer for `when` is in a heap now, and no M was going to look at that heap so early.
    pub(crate) fn tell(&self, when: Nanos) -> Told {
        fence(SeqCst); // pairs(sleeper): set's, before the look at the heaps
        let until = self.until.load(Relaxed);
        if until == FREE {
            return Told::Nobody;
        }
        if when < until {
            self.wake();
        }
        Told::Somebody
    }

    /// Whether an M has the role.
    pub(crate) fn is_taken(&self) -> bool {
        self.until.load(Relaxed) != FREE
    }

    /// All heaps may have changed: the timer waiter looks again.
    pub(crate) fn look_again(&self) {
        self.wake();
    }

    /// Wherever it sleeps: `ext/net/README.md#the-first-socket`.
    fn wake(&self) {
        self.note.wake();
        #[cfg(not(loom))]
        if let Some(epoll) = epoll::opened() {
            epoll.ring();
        }
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::Arc;

    /// Time stands still at 10. A timer is armed for 20 while a sleeper, who has another one
    /// for `other` in view, is about to sleep: it ends up asleep until 20 at the latest, or
    /// the armer knows that nobody watches.
    fn armed_while_falling_asleep(other: Option<Nanos>) {
        loom::model(move || {
            let first = other.unwrap_or(Nanos::MAX);
            let pair = Arc::new((TimerWaiter::new(), AtomicU64::new(first)));
            let armer = Arc::clone(&pair);
            let armer = loom::thread::spawn(move || {
                armer.1.store(20, Relaxed);
                armer.0.tell(20)
            });
            assert!(pair.0.try_take());
            // Loom's note has no time: a sleep ends only by a wake-up. So the look that finds 20
            // says that it is due, and any sleep that misses it never ends.
            let clock = || if pair.1.load(Relaxed) == 20 { 20 } else { 10 };
            let earliest = || Some(pair.1.load(Relaxed)).filter(|&t| t != Nanos::MAX);
            let doze = |note: &Note, when| {
                note.sleep_until(Some(when));
                Doze::LookAgain
            };
            let woke = pair.0.sleep(clock, earliest, doze);
            let told = armer.join().unwrap();
            if woke == Woke::NoTimers {
                assert_eq!(told, Told::Nobody);
            }
        });
    }

    #[test]
    fn an_earlier_timer_gets_the_sleeper_up() {
        armed_while_falling_asleep(Some(30));
    }

    #[test]
    fn the_first_timer_is_not_missed() {
        armed_while_falling_asleep(None);
    }
}
