//! Sleep and wake-up on a counter anywhere in memory: the base of mutex, WaitGroup, RwLock.
//!
//! These are not semaphores for programs, but sleeps that are paired with one wake-up each,
//! whichever comes first. The waiters are in a table keyed by the counter's address, so a lock is
//! two words and needs no queue of its own.
//!
//! README.md#sema-no-lost-wake-up. Go: sema.go semacquire1, semrelease1.
#![forbid(unsafe_code)]

use crate::core::base::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use crate::core::base::atomic::{AtomicU32, fence};
use crate::core::g::wait_reason::WaitReason;
use crate::core::wait::sched_api::{RawLock, enter, enter_to_wait, park, ready, yield_local};
use crate::core::wait::sema_root::Tree;
use crate::core::wait::waiter::{Waiter, WaiterState};

/// A prime, so that it goes with no pattern of addresses. Go: semTabSize.
#[cfg(not(loom))]
const ROOTS: usize = 251;

/// One row of the table, on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Root {
    pub(crate) lock: RawLock,
    /// At least as many as wait in `tree`; a waiter that queues adds itself under the lock.
    pub(crate) waiting: AtomicU32,
    /// Under the lock.
    pub(crate) tree: Tree,
}

#[cfg(not(loom))]
static TABLE: [Root; ROOTS] = [const {
    Root {
        lock: RawLock::new(),
        waiting: AtomicU32::new(0),
        tree: Tree::new(),
    }
}; ROOTS];

#[cfg(loom)]
loom::lazy_static! {
    static ref ONE: Root = Root {
        lock: RawLock::new(),
        waiting: AtomicU32::new(0),
        tree: Tree::new(),
    };
}

pub(crate) fn key(count: &AtomicU32) -> usize {
    std::ptr::from_ref(count).addr()
}

pub(crate) fn root(count: &AtomicU32) -> &'static Root {
    #[cfg(not(loom))]
    return &TABLE[(key(count) >> 3) % ROOTS];
    #[cfg(loom)]
    return (&*ONE, count).0;
}

/// Takes one from the counter if it is not zero.
fn try_take(count: &AtomicU32) -> bool {
    let mut n = count.load(Relaxed);
    while n != 0 {
        // Acquire pairs(sema): release's Release.
        match count.compare_exchange_weak(n, n - 1, Acquire, Relaxed) {
            Ok(_) => return true,
            Err(seen) => n = seen,
        }
    }
    false
}

/// Waits until the counter is not zero, and takes one. `lifo`: in front of the other waiters.
#[inline]
pub(crate) fn acquire(count: &AtomicU32, lifo: bool, reason: WaitReason) {
    if !try_take(count) {
        acquire_slow(count, lifo, reason);
    }
}

#[cold]
fn acquire_slow(count: &AtomicU32, lifo: bool, reason: WaitReason) {
    let root = root(count);
    loop {
        let rt = enter_to_wait();
        let me = rt.current();
        let served = Waiter::on_stack(me, key(count), None, |waiter| {
            let guard = rt.lock(&root.lock);
            root.waiting.fetch_add(1, Relaxed);
            fence(SeqCst); // pairs(sema-waiting): release's fence
            if try_take(count) {
                root.waiting.fetch_sub(1, Relaxed);
                return true;
            }
            me.announce_park_for(reason, key(count));
            root.tree.queue(waiter, lifo);
            drop(guard);
            park(rt);
            waiter.standing() == WaiterState::Served
        });
        if served || try_take(count) {
            return;
        }
    }
}

/// Adds one to the counter and wakes the first waiter, if there is one. `handoff`: the waiter
/// gets this one, even if another goroutine comes in between, and runs next in the caller's
/// place.
pub(crate) fn release(count: &AtomicU32, handoff: bool) {
    let root = root(count);
    // Release pairs(sema): try_take's Acquire.
    count.fetch_add(1, Release);
    fence(SeqCst); // pairs(sema-waiting): acquire_slow's fence
    if root.waiting.load(Relaxed) != 0 {
        release_slow(root, count, handoff);
    }
}

#[cold]
fn release_slow(root: &Root, count: &AtomicU32, handoff: bool) {
    let rt = enter();
    let guard = rt.lock(&root.lock);
    let Some(waiter) = root.tree.dequeue(key(count)) else {
        return; // others wait here, or somebody was quicker than we
    };
    root.waiting.fetch_sub(1, Relaxed);
    drop(guard);
    let handed = handoff && try_take(count);
    if handed {
        waiter.set_standing(WaiterState::Served);
    }
    let g = waiter.g;
    ready(&rt, g);
    drop(rt);
    if handed {
        // It is in this P's `runnext` and inherits our slice. Go: issue 33747.
        yield_local();
    }
}

// Plain threads wait in these tests; the core alone cannot do that.
#[cfg(all(test, feature = "ext", not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32 as Plain;
    use std::thread;

    fn waiters_of(count: &AtomicU32) -> u32 {
        root(count).waiting.load(Relaxed)
    }

    /// Go: TestSemaphore.
    #[test]
    fn a_binary_semaphore_lets_one_in_at_a_time() {
        let (sema, inside) = (AtomicU32::new(1), Plain::new(0));
        thread::scope(|s| {
            for _ in 0..10 {
                s.spawn(|| {
                    for _ in 0..1000 {
                        acquire(&sema, false, WaitReason::Semacquire);
                        assert_eq!(inside.fetch_add(1, Relaxed), 0);
                        inside.fetch_sub(1, Relaxed);
                        release(&sema, false);
                    }
                });
            }
        });
        assert_eq!(sema.load(Relaxed), 1);
    }

    /// The order in which five waiters are served that queued one after the other.
    fn served(lifo: &[bool], handoff: bool) -> Vec<usize> {
        let (sema, order) = (AtomicU32::new(0), std::sync::Mutex::new(vec![]));
        thread::scope(|s| {
            let before = waiters_of(&sema);
            for (i, &lifo) in lifo.iter().enumerate() {
                let (sema, order) = (&sema, &order);
                s.spawn(move || {
                    acquire(sema, lifo, WaitReason::Semacquire);
                    order.lock().unwrap().push(i);
                });
                while waiters_of(sema) as usize <= before as usize + i {
                    thread::yield_now();
                }
            }
            for n in 1..=lifo.len() {
                release(&sema, handoff);
                while order.lock().unwrap().len() < n {
                    thread::yield_now();
                }
            }
        });
        order.into_inner().unwrap()
    }

    #[test]
    fn waiters_are_served_in_order_unless_they_push_in() {
        for handoff in [false, true] {
            assert_eq!(served(&[false; 5], handoff), [0, 1, 2, 3, 4]);
            assert_eq!(
                served(&[false, false, true, false, true], handoff),
                [4, 2, 0, 1, 3]
            );
        }
    }

    /// A thousand counters in 251 rows: each release reaches its own waiter.
    #[test]
    fn addresses_do_not_get_mixed_up() {
        let counts: Vec<AtomicU32> = (0..64 * 251).map(|_| AtomicU32::new(0)).collect();
        let same_row: Vec<&AtomicU32> = counts.iter().step_by(2 * 251).collect();
        thread::scope(|s| {
            let waits: Vec<_> = same_row
                .iter()
                .map(|c| s.spawn(|| acquire(c, false, WaitReason::Semacquire)))
                .collect();
            for (i, c) in same_row.iter().enumerate().rev() {
                release(c, i % 2 == 0);
            }
            waits.into_iter().for_each(|w| w.join().unwrap());
        });
        assert!(same_row.iter().all(|c| c.load(Relaxed) == 0));
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::Arc;

    /// As many releases as acquires, by everybody at once: nobody sleeps forever.
    fn pairs(threads: usize, handoff: bool) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(4 - threads);
        model.check(move || {
            let count = Arc::new(AtomicU32::new(0));
            let waiters: Vec<_> = (0..threads)
                .map(|_| {
                    let count = Arc::clone(&count);
                    loom::thread::spawn(move || acquire(&count, false, WaitReason::Semacquire))
                })
                .collect();
            (0..threads).for_each(|_| release(&count, handoff));
            waiters.into_iter().for_each(|w| w.join().unwrap());
            assert_eq!(count.load(Relaxed), 0);
        });
    }

    #[test]
    fn no_wake_up_is_lost() {
        pairs(1, false);
        pairs(2, false);
        pairs(2, true);
    }

    /// A binary semaphore around a place that only one may be in.
    #[test]
    fn a_token_carries_what_came_before() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let shared = Arc::new((AtomicU32::new(1), loom::cell::UnsafeCell::new(0)));
            let visit = |shared: &(AtomicU32, loom::cell::UnsafeCell<u32>)| {
                acquire(&shared.0, false, WaitReason::Semacquire);
                shared.1.with_mut(|_| ()); // loom reports a second visitor
                release(&shared.0, false);
            };
            let other = Arc::clone(&shared);
            let t = loom::thread::spawn(move || visit(&other));
            visit(&shared);
            t.join().unwrap();
        });
    }
}
