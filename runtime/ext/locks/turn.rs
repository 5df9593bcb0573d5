//! Whose turn it is: one goroutine at a time has it, and the others stand in line, in the order of
//! their coming. Whoever gives the turn up hands it to the first, so nobody pushes in.
//!
//! Goroutines that read from one descriptor take turns, and those that write to it; and so do all
//! who stop the world.
//!
//! Go: fd_mutex.go fdMutex.rwlock, where those behind wait on a semaphore without regard to their
//! deadlines; proc.go worldsema.
#![forbid(unsafe_code)]

use crate::core::base::atomic::AtomicU32;
use crate::core::base::atomic::Ordering::{Acquire, Relaxed, Release};
#[cfg(not(loom))]
use crate::core::g::goroutine::GRef;
#[cfg(not(loom))]
use crate::core::g::status::Enqueue;
use crate::core::g::wait_reason::WaitReason;
#[cfg(not(loom))]
use crate::core::m::enter::NoPreempt;
#[cfg(not(loom))]
use crate::core::sched::park::put_global;
#[cfg(not(loom))]
use crate::core::sched::wake::wakep;
use crate::core::sys::clock::Nanos;
#[cfg(loom)]
use crate::core::wait::loom_sched::park_until;
use crate::core::wait::sched_api::{RawLock, enter, enter_to_wait, park, ready};
use crate::core::wait::waiter::Waiter;
use crate::ext::locks::wait_list::WaitList;
#[cfg(not(loom))]
use crate::ext::plain_threads::park_thread::wake;
#[cfg(not(loom))]
use crate::ext::timers::park_until::park_until;

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Held, and somebody may stand in line.
const WANTED: u32 = 2;

/// The two that may claim a wait in the line.
const SERVED: u16 = 0;
const GIVEN_UP: u16 = 1;

/// When a goroutine runs that is handed the turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runs {
    /// Next on this P.
    Next,
    /// After the others that are ready: those who take turns over and over starve nobody, even if
    /// sysmon does not see them run.
    Last,
}

#[derive(Debug)]
pub(crate) struct Turn {
    word: AtomicU32,
    runs: Runs,
    lock: RawLock,
    /// Under the lock.
    line: WaitList,
}

/// Gives the turn up when dropped.
#[derive(Debug)]
pub(crate) struct HeldTurn<'a>(&'a Turn);

impl Turn {
    #[cfg(not(loom))]
    pub(crate) const fn new(runs: Runs) -> Turn {
        Turn {
            word: AtomicU32::new(FREE),
            runs,
            lock: RawLock::new(),
            line: WaitList::new(),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new(runs: Runs) -> Turn {
        Turn {
            word: AtomicU32::new(FREE),
            runs,
            lock: RawLock::new(),
            line: WaitList::new(),
        }
    }

    pub(crate) fn is_free(&self) -> bool {
        self.word.load(Relaxed) == FREE
    }

    /// The turn, however long it takes.
    #[inline]
    pub(crate) fn take(&self, reason: WaitReason) -> HeldTurn<'_> {
        if !self.take_free() {
            self.stand_in_line(reason, None);
        }
        HeldTurn(self)
    }

    /// The turn, unless `deadline` comes first. It is computed only if somebody else has the turn.
    #[inline]
    pub(crate) fn take_until(
        &self,
        reason: WaitReason,
        deadline: impl FnOnce() -> Option<Nanos>,
    ) -> Option<HeldTurn<'_>> {
        // Not `then_some`: a `HeldTurn` that is made in any case is dropped, and gives up another's turn.
        (self.take_free() || self.stand_in_line(reason, deadline())).then(|| HeldTurn(self))
    }

    #[inline]
    fn take_free(&self) -> bool {
        // Acquire pairs(turn): the Release of whoever gave it up.
        let was = self.word.compare_exchange(FREE, HELD, Acquire, Relaxed);
        was.is_ok()
    }

    #[cold]
    fn stand_in_line(&self, reason: WaitReason, deadline: Option<Nanos>) -> bool {
        let rt = enter_to_wait();
        let me = rt.current();
        let round = me.open_round();
        let what = std::ptr::from_ref(self).addr();
        Waiter::on_stack(me, what, Some(round), |waiter| {
            let guard = rt.lock(&self.lock);
            // Acquire pairs(turn): as in `take_free`.
            if self.word.swap(WANTED, Acquire) == FREE {
                return true;
            }
            me.announce_park_for(reason, what);
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
            self.line.leave(waiter);
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
                return match self.runs {
                    Runs::Next => ready(&rt, g),
                    Runs::Last => ready_last(&rt, g),
                };
            }
        }
        self.word.store(FREE, Release); // pairs(turn)
    }
}

/// To the tail of the global queue.
#[cfg(not(loom))]
fn ready_last(_: &NoPreempt, g: GRef) {
    if wake(g) == Enqueue::Mine {
        put_global(g);
        wakep();
    }
}

#[cfg(loom)]
use ready as ready_last;

impl Drop for HeldTurn<'_> {
    #[inline]
    fn drop(&mut self) {
        let word = &self.0.word;
        // Release pairs(turn): take_free's Acquire.
        if word.compare_exchange(HELD, FREE, Release, Relaxed).is_err() {
            self.0.hand_on();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::core::sys::clock::nanotime;
    use std::sync::Mutex;
    use std::thread;

    const WHY: WaitReason = WaitReason::Semacquire;

    #[test]
    fn who_gives_up_leaves_the_turn_to_its_holder() {
        let turn = Turn::new(Runs::Next);
        let held = turn.take(WHY);
        for _ in 0..3 {
            let took = || {
                turn.take_until(WHY, || Some(nanotime() + 1_000_000))
                    .is_some()
            };
            let other = thread::scope(|s| s.spawn(took).join().unwrap());
            assert!(!other, "two have the turn");
        }
        drop(held);
        assert!(turn.take_free());
    }

    fn in_line(turn: &Turn) -> usize {
        let rt = enter();
        let _guard = rt.lock(&turn.lock);
        std::iter::successors(turn.line.first(), |waiter| waiter.next.get()).count()
    }

    #[test]
    fn they_are_served_in_the_order_of_their_coming() {
        let (turn, order) = (Turn::new(Runs::Next), Mutex::new(vec![]));
        thread::scope(|s| {
            let held = turn.take(WHY);
            for i in 0..5 {
                let (turn, order) = (&turn, &order);
                s.spawn(move || {
                    let _mine = turn.take(WHY);
                    order.lock().unwrap().push(i);
                });
                while in_line(turn) <= i {
                    thread::yield_now();
                }
            }
            drop(held);
        });
        assert_eq!(order.into_inner().unwrap(), [0, 1, 2, 3, 4]);
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;

    type Shared = (Turn, UnsafeCell<u32>);

    /// Takes the turn, and is where only one may be. Returns `false` if time ran out.
    fn visit((turn, inside): &Shared, deadline: Option<Nanos>) -> bool {
        let why = WaitReason::Semacquire;
        let held = match deadline {
            None => Some(turn.take(why)),
            Some(_) => turn.take_until(why, || deadline),
        };
        if held.is_some() {
            inside.with_mut(|_| ()); // loom reports a second visitor
        }
        held.is_some()
    }

    fn check(preemptions: usize, deadlines: &'static [Option<Nanos>]) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(preemptions);
        model.check(move || {
            let shared = Arc::new((Turn::new(Runs::Next), UnsafeCell::new(0)));
            let others: Vec<_> = deadlines
                .iter()
                .map(|&deadline| {
                    let shared = Arc::clone(&shared);
                    loom::thread::spawn(move || visit(&shared, deadline) || deadline.is_some())
                })
                .collect();
            assert!(visit(&shared, None));
            for other in others {
                assert!(other.join().unwrap(), "turned away for no reason");
            }
            assert!(shared.0.is_free(), "the turn is kept by nobody");
        });
    }

    /// Everybody has the turn once, and nobody waits for ever.
    #[test]
    fn one_at_a_time_and_everybody() {
        check(4, &[None]);
        check(2, &[None, None]);
    }

    /// Who gives up does not take the turn along, wherever it was on its way to.
    #[test]
    fn who_gives_up_leaves_the_turn_behind() {
        check(4, &[Some(1)]);
        check(2, &[Some(1), None]);
    }
}
