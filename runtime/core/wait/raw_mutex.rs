//! Go's mutex: one word and one semaphore. It is fast when there are no waiters, and fair when a
//! waiter has waited for a millisecond.
//!
//! *Normal*: an unlock wakes the first waiter, which competes with newcomers; if it loses, it
//! queues again, in front. *Starving*: after a waiter has slept for more than 1 ms, unlockers
//! hand the mutex over in the order of the queue, and newcomers queue behind. The last waiter, or
//! one that did not have to wait long, sets the mutex back to normal.
//!
//! README.md#mutex-word, README.md#mutex-one-awake. Go: internal/sync/mutex.go.
#![forbid(unsafe_code)]

#[cfg(all(not(loom), feature = "ext"))]
use std::mem::offset_of;

use crate::core::base::atomic::AtomicU32;
use crate::core::base::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::core::g::wait_reason::WaitReason;
use crate::core::sys::clock::Nanos;
use crate::core::sys::fatal::fatal;
use crate::core::wait::owner::Owner;
use crate::core::wait::sched_api::{nanotime, steady, waited_for_mutex};
use crate::core::wait::sema;
use crate::core::wait::spin::{can_spin, spin};

const LOCKED: u32 = 1;
/// A waiter is awake already: unlock wakes no other.
const WOKEN: u32 = 2;
const STARVING: u32 = 4;
/// One waiter, asleep or about to be.
const WAITER: u32 = 8;

/// How long a waiter is patient. Go: starvationThresholdNs.
const PATIENCE: Nanos = 1_000_000;

/// A snapshot of the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State(u32);

impl State {
    fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }

    fn waiters(self) -> u32 {
        self.0 / WAITER
    }

    /// Held, and it could be worth spinning for it.
    fn is_held_normally(self) -> bool {
        self.0 & (LOCKED | STARVING) == LOCKED
    }

    /// It is not held, and it is not being handed over.
    fn is_free(self) -> bool {
        !self.has(LOCKED | STARVING)
    }

    /// Its holder lets go of it: is there nobody to wake? With waiters, because one of them is awake.
    fn wakes_nobody(self) -> bool {
        self.0 == LOCKED || self.0 & (LOCKED | WOKEN | STARVING) == LOCKED | WOKEN
    }

    /// The word after the caller has taken the mutex or, if that cannot be, joined the waiters.
    fn taken_or_joined(self, me: &Contender) -> State {
        let mut next = if self.is_free() {
            self.0 | LOCKED
        } else {
            self.0 + WAITER
        };
        if me.starving && self.has(LOCKED) {
            next |= STARVING; // only while it has a holder, whose unlock will see it
        }
        if me.is_the_woken {
            if !self.has(WOKEN) {
                fatal!("sync: inconsistent mutex state");
            }
            next &= !WOKEN;
        }
        State(next)
    }
}

/// What one goroutine remembers while it tries to get the mutex.
#[derive(Default)]
struct Contender {
    /// `WOKEN` stands for it.
    is_the_woken: bool,
    starving: bool,
    /// When it first queued.
    since: Option<Nanos>,
}

/// A mutex without data, poison or owner.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct RawMutex {
    state: AtomicU32,
    sema: AtomicU32,
    pub(crate) owner: Owner,
}

/// How far from what a waiter waits for the number of the holder is, if it is noted.
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) const OWNER: Option<usize> = if Owner::KNOWN {
    Some(offset_of!(RawMutex, owner) - offset_of!(RawMutex, sema))
} else {
    None
};

impl RawMutex {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> RawMutex {
        RawMutex {
            state: AtomicU32::new(0),
            sema: AtomicU32::new(0),
            owner: Owner::nobody(),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> RawMutex {
        RawMutex {
            state: AtomicU32::new(0),
            sema: AtomicU32::new(0),
            owner: Owner::nobody(),
        }
    }

    #[inline]
    pub(crate) fn lock(&self) {
        let alone = self.swap(State(0), State(LOCKED));
        if alone.or_else(|seen| self.take(seen)).is_err() {
            self.lock_slow();
        }
        self.owner.note();
    }

    /// False when it is held or promised; may also fail when others try at this moment.
    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        let taken = self.take(State(self.state.load(Relaxed))).is_ok();
        if taken {
            self.owner.note();
        }
        taken
    }

    /// From the word as it was seen: it is not zero while waiters sleep or are on their way.
    #[inline]
    fn take(&self, seen: State) -> Result<(), State> {
        match seen.is_free() {
            true => self.swap(seen, State(seen.0 | LOCKED)),
            false => Err(seen),
        }
    }

    #[inline]
    fn swap(&self, old: State, new: State) -> Result<(), State> {
        // Acquire pairs(mutex): unlock's Release. Every change is a read-modify-write, so
        // those between the unlock and this one pass its Release on.
        let done = self.state.compare_exchange(old.0, new.0, Acquire, Relaxed);
        done.map(|_| ()).map_err(State)
    }

    #[cold]
    fn lock_slow(&self) {
        let mut me = Contender::default();
        let mut spins = 0;
        loop {
            let old = State(self.state.load(Relaxed));
            if old.is_held_normally() && can_spin(spins) {
                // Awake anyway: the unlocker need not wake a waiter.
                if !me.is_the_woken && !old.has(WOKEN) && old.waiters() != 0 {
                    me.is_the_woken = self.swap(old, State(old.0 | WOKEN)).is_ok();
                }
                spin();
                spins += 1;
                continue;
            }
            if self.swap(old, old.taken_or_joined(&me)).is_err() {
                continue;
            }
            if old.is_free() || self.sleep(&mut me) {
                return;
            }
            spins = 0;
        }
    }

    /// Sleeps as a counted waiter. Returns `true` if the mutex was handed over, `false` if it was
    /// woken to try again.
    fn sleep(&self, me: &mut Contender) -> bool {
        let again = me.since.is_some();
        let begin = nanotime();
        let since = *me.since.get_or_insert(begin);
        sema::acquire(&self.sema, again, WaitReason::MutexLock);
        let end = nanotime();
        waited_for_mutex(end.saturating_sub(begin));
        let waited = end.saturating_sub(since);
        me.starving = me.starving || (waited > PATIENCE && !steady());
        let now = State(self.state.load(Relaxed));
        if !now.has(STARVING) {
            me.is_the_woken = true;
            return false;
        }
        // Ours, but for the word: not locked, and we still count as a waiter.
        if now.has(LOCKED | WOKEN) || now.waiters() == 0 {
            fatal!("sync: inconsistent mutex state");
        }
        let mut change = LOCKED.wrapping_sub(WAITER);
        if !me.starving || now.waiters() == 1 {
            change = change.wrapping_sub(STARVING);
        }
        // Acquire pairs(mutex): unlock's Release.
        self.state.fetch_add(change, Acquire);
        true
    }

    #[inline]
    pub(crate) fn unlock(&self) {
        self.owner.forget();
        // Release pairs(mutex): the Acquires above.
        let old = State(self.state.fetch_sub(LOCKED, Release));
        if !old.wakes_nobody() {
            self.unlock_slow(old);
        }
    }

    #[cold]
    fn unlock_slow(&self, held: State) {
        if !held.has(LOCKED) {
            fatal!("sync: unlock of unlocked mutex");
        }
        if held.has(STARVING) {
            // Not locked now, but nobody can take it either: it belongs to the first waiter.
            return sema::release(&self.sema, true);
        }
        let mut old = State(held.0 - LOCKED);
        while old.waiters() != 0 && !old.has(LOCKED | WOKEN | STARVING) {
            match self.swap(old, State((old.0 - WAITER) | WOKEN)) {
                Ok(()) => return sema::release(&self.sema, false),
                Err(seen) => old = seen,
            }
        }
    }
}

// Plain threads wait in these tests; the core alone cannot do that.
#[cfg(all(test, feature = "ext", not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32 as Plain;
    use std::thread;
    use std::time::Duration;

    fn waiters(m: &RawMutex) -> u32 {
        State(m.state.load(Relaxed)).waiters()
    }

    /// Go: TestMutex.
    #[test]
    fn one_at_a_time_with_lock_and_try_lock() {
        let (m, inside) = (RawMutex::new(), Plain::new(0));
        thread::scope(|s| {
            for _ in 0..10 {
                s.spawn(|| {
                    for i in 0..1000 {
                        if i % 3 != 0 {
                            m.lock();
                        } else if !m.try_lock() {
                            continue;
                        }
                        assert_eq!(inside.fetch_add(1, Relaxed), 0);
                        inside.fetch_sub(1, Relaxed);
                        m.unlock();
                    }
                });
            }
        });
        assert_eq!(m.state.load(Relaxed), 0, "waiter, woken, or starving");
        assert_eq!(m.sema.load(Relaxed), 0);
    }

    #[test]
    fn try_lock_is_false_while_held_or_promised() {
        let m = RawMutex::new();
        assert!(m.try_lock() && !m.try_lock());
        m.unlock();
        m.state.store(STARVING + WAITER, Relaxed);
        assert!(!m.try_lock());
        m.state.store(WAITER, Relaxed);
        assert!(m.try_lock(), "a sleeping waiter can be overtaken");
    }

    /// Go: TestMutexFairness.
    #[test]
    fn a_holder_that_comes_back_at_once_starves_nobody() {
        let (m, stop) = (RawMutex::new(), Plain::new(0));
        thread::scope(|s| {
            s.spawn(|| {
                while stop.load(Relaxed) == 0 {
                    m.lock();
                    thread::sleep(Duration::from_micros(100));
                    m.unlock();
                }
            });
            for _ in 0..10 {
                thread::sleep(Duration::from_micros(100));
                m.lock();
                m.unlock();
            }
            stop.store(1, Relaxed);
        });
    }

    /// While starving, the mutex goes down the queue although others try to grab it.
    #[test]
    fn a_starving_mutex_goes_to_the_waiters_in_order() {
        let (m, order) = (RawMutex::new(), std::sync::Mutex::new(vec![]));
        m.lock();
        thread::scope(|s| {
            for i in 0..4 {
                let (m, order) = (&m, &order);
                s.spawn(move || {
                    m.lock();
                    order.lock().unwrap().push(i);
                    m.unlock();
                });
                while waiters(m) < i + 1 {
                    thread::yield_now();
                }
            }
            thread::sleep(Duration::from_millis(3)); // out of patience, all of them
            m.state.fetch_or(STARVING, Relaxed);
            m.unlock();
            if m.try_lock() {
                assert_eq!(order.lock().unwrap().len(), 4, "overtook the queue");
                m.unlock();
            }
        });
        assert_eq!(order.into_inner().unwrap(), [0, 1, 2, 3]);
        assert_eq!(m.state.load(Relaxed), 0, "the last one left starvation");
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::core::wait::loom_sched::set_clock_step;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;

    struct Shared(RawMutex, UnsafeCell<u32>);

    impl Shared {
        fn visit(&self) {
            self.0.lock();
            self.1.with_mut(|_| ()); // loom reports a second visitor
            self.0.unlock();
        }
    }

    /// `threads` visit `times` each, in all interleavings up to `preemptions`, on a clock that
    /// goes `step` at each look. A lost wake-up is a deadlock, which loom reports.
    fn visits(threads: usize, times: usize, preemptions: usize, step: Nanos) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(preemptions);
        model.check(move || {
            set_clock_step(step);
            let shared = Arc::new(Shared(RawMutex::new(), UnsafeCell::new(0)));
            let handles: Vec<_> = (1..threads)
                .map(|_| {
                    let shared = Arc::clone(&shared);
                    loom::thread::spawn(move || (0..times).for_each(|_| shared.visit()))
                })
                .collect();
            (0..times).for_each(|_| shared.visit());
            handles.into_iter().for_each(|h| h.join().unwrap());
            assert_eq!(shared.0.state.load(Relaxed), 0);
            assert_eq!(shared.0.sema.load(Relaxed), 0);
        });
    }

    #[test]
    fn visitors_never_meet_and_never_sleep_for_ever() {
        visits(2, 2, 4, 0);
        visits(3, 1, 3, 0);
    }

    #[test]
    fn starving_visitors_never_meet_and_never_sleep_for_ever() {
        visits(2, 3, 3, 2 * PATIENCE); // the third visit comes by while the mutex is promised
        visits(3, 1, 2, 2 * PATIENCE);
    }
}
