//! Sleep until a word changes: a futex, in the semaphore table.
//!
//! This is for waiters that must not take each other's wake-ups, as they can with a counter: a
//! thread that changes the word wakes all waiters, and each of them looks again.
//!
//! core/wait/README.md#change-no-lost-wake-up. Go has none: it would use a mutex.
#![forbid(unsafe_code)]

use crate::core::base::atomic::AtomicU32;
use crate::core::base::atomic::Ordering::Relaxed;
use crate::core::g::wait_reason::WaitReason;
use crate::core::wait::sched_api::{enter, enter_to_wait, park, ready};
use crate::core::wait::sema::{key, root};
use crate::core::wait::waiter::Waiter;

/// How many goroutines are woken before the waker leaves the runtime for a moment.
const BATCH: usize = if cfg!(loom) { 1 } else { 32 };

/// Sleeps if `word` is still `seen`, until [`wake_all`]. May return early: look again.
#[cold]
pub(crate) fn wait(word: &AtomicU32, seen: u32, reason: WaitReason) {
    let root = root(word);
    let rt = enter_to_wait();
    let me = rt.current();
    Waiter::on_stack(me, key(word), None, |waiter| {
        let guard = rt.lock(&root.lock);
        // Relaxed: if the change came before, either we see it, or its `wake_all` gets this
        // lock after us.
        if word.load(Relaxed) != seen {
            return;
        }
        root.waiting.fetch_add(1, Relaxed);
        me.announce_park_for(reason, key(word));
        root.tree.queue(waiter, false);
        drop(guard);
        park(rt);
    });
}

/// After `word` was changed: wakes all its waiters.
#[cold]
pub(crate) fn wake_all(word: &AtomicU32) {
    let root = root(word);
    let mut next = {
        let rt = enter();
        let _guard = rt.lock(&root.lock);
        root.tree.dequeue_all(key(word))
    };
    // Those in the chain stay where they are until they are readied: no lock is needed.
    while next.is_some() {
        let rt = enter();
        for _ in 0..BATCH {
            let Some(waiter) = next else { break };
            next = waiter.same.take();
            waiter.set_queued(false);
            root.waiting.fetch_sub(1, Relaxed);
            ready(&rt, waiter.g);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn all_sleepers_wake_and_nobody_else() {
        let words = [AtomicU32::new(7), AtomicU32::new(7)];
        wait(&words[0], 8, WaitReason::OnceWait); // not what it is: no sleep
        wake_all(&words[0]); // nobody there
        let other = &words[1];
        thread::scope(|s| {
            let sleepers: Vec<_> = (0..100)
                .map(|_| {
                    s.spawn(|| {
                        while words[0].load(Relaxed) == 7 {
                            wait(&words[0], 7, WaitReason::OnceWait);
                        }
                    })
                })
                .collect();
            let bystander = s.spawn(|| wait(other, 7, WaitReason::OnceWait));
            words[0].store(8, Relaxed);
            wake_all(&words[0]);
            sleepers.into_iter().for_each(|h| h.join().unwrap());
            assert!(!bystander.is_finished() || other.load(Relaxed) == 7);
            while !bystander.is_finished() {
                wake_all(other);
                thread::yield_now();
            }
        });
    }
}
