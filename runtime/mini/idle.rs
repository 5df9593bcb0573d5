//! Ms without work: how they sleep, and why no work is overlooked.
//!
//! Whoever makes a goroutine runnable publishes it and then looks at one word: how many Ms are
//! *spinning* (awake, and looking for work), how many sleep. Whoever goes to sleep changes that
//! word and then looks at all queues once more. Each has a fence between its two steps. One of
//! the two fences comes first: so either the submitter sees the sleeper, or the sleeper sees the
//! work.
//!
//! The full runtime: `runtime/p/idle.rs`, `runtime/sched/wake.rs`, `runtime/sched/README.md`
//! (no-lost-work). Go: proc.go wakep, findRunnable.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use crate::prim::{AtomicU32, CALM, MutexGuard, ThreadMutex, fence, thread};

// [idle]
/// In the word: one M that spins; all that do; one that sleeps.
const SPINNING: u32 = 1;
const SPINNERS: u32 = ASLEEP - 1;
const ASLEEP: u32 = 1 << 16;

pub(crate) struct Idle {
    /// How many spin, how many sleep.
    word: AtomicU32,
    /// Who sleeps. The upper half of the word is the length of this list.
    asleep: ThreadMutex<Vec<(usize, thread::Thread)>>,
}

/// Why an M came back from its bed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Slept {
    /// There may be work; it counts as spinning.
    Spinning,
    /// All sleep, and there is none: it is still in bed.
    AllAsleep,
}

impl Idle {
    /// After a goroutine was put into a queue: is an M to be woken for it? One at a time; the one
    /// that finds something wakes the next.
    pub(crate) fn wakep(&self) {
        fence(SeqCst); // pairs(no-lost-work): sleep's
        let word = self.word.load(Relaxed);
        if word & SPINNERS == 0 && word / ASLEEP != 0 {
            self.wake_one();
        }
    }

    /// `me` has found no work. Sleeps until there may be some. `last_look` looks at all queues.
    pub(crate) fn sleep(
        &self,
        me: usize,
        spinning: bool,
        all: usize,
        last_look: impl Fn() -> bool,
    ) -> Slept {
        self.lie_down(me, spinning);
        fence(SeqCst); // pairs(no-lost-work): wakep's
        if last_look() {
            self.get_up(me);
        } else if self.asleep().len() == all {
            return Slept::AllAsleep;
        }
        while self.asleep().iter().any(|(m, _)| *m == me) {
            thread::park(); // may return for nothing
        }
        Slept::Spinning
    }

    /// May one more M look around? Only while fewer than half as many do as are awake.
    pub(crate) fn try_spin(&self, all: usize) -> bool {
        let word = self.word.load(Relaxed);
        let busy = all as u32 - word / ASLEEP;
        let may = 2 * (word & SPINNERS) < busy;
        if may {
            self.word.fetch_add(SPINNING, Relaxed);
        }
        may
    }

    /// A spinner has found work. Submitters have relied on it, so it wakes the next one.
    pub(crate) fn stop_spinning(&self) {
        self.word.fetch_sub(SPINNING, Relaxed);
        self.wakep(); // last-spinner: there may be more
    }
}
// [/idle]

// [bed]
impl Idle {
    pub(crate) fn new() -> Idle {
        Idle {
            word: AtomicU32::new(0),
            asleep: ThreadMutex::new(Vec::new()),
        }
    }

    fn asleep(&self) -> MutexGuard<'_, Vec<(usize, thread::Thread)>> {
        self.asleep.lock().expect(CALM)
    }

    /// It spins no more *before* its last look.
    fn lie_down(&self, me: usize, spinning: bool) {
        let mut asleep = self.asleep();
        asleep.push((me, thread::current()));
        let change = ASLEEP - if spinning { SPINNING } else { 0 };
        self.word.fetch_add(change, Relaxed);
    }

    /// `me` will look around, unless somebody has woken it already.
    fn get_up(&self, me: usize) {
        let mut asleep = self.asleep();
        if let Some(at) = asleep.iter().position(|(m, _)| *m == me) {
            asleep.remove(at);
            self.word.fetch_sub(ASLEEP - SPINNING, Relaxed);
        }
    }

    #[cold]
    fn wake_one(&self) {
        let mut asleep = self.asleep();
        if self.word.load(Relaxed) & SPINNERS != 0 {
            return; // somebody was faster
        }
        if let Some((_, thread)) = asleep.pop() {
            // One sleeper less, one spinner more: a waker counts for the one that it wakes.
            self.word.fetch_sub(ASLEEP - SPINNING, Relaxed);
            thread.unpark();
        }
    }

    /// The end: all get up.
    pub(crate) fn wake_all(&self) {
        for (_, thread) in self.asleep().drain(..) {
            self.word.fetch_sub(ASLEEP - SPINNING, Relaxed);
            thread.unpark();
        }
    }
}
// [/bed]

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::Arc;
    use loom::thread;

    /// The word, and a queue that is as long as the number says.
    struct World(Idle, AtomicU32);

    impl World {
        fn new() -> Arc<World> {
            Arc::new(World(Idle::new(), AtomicU32::new(0)))
        }

        fn has_work(&self) -> bool {
            self.1.load(Relaxed) != 0
        }

        fn submit(&self) {
            self.1.fetch_add(1, Relaxed);
            self.0.wakep();
        }

        /// What an M does until it has found `n` pieces of work, of `all` Ms.
        fn work(&self, me: usize, all: usize, n: u32) {
            let mut spinning = false;
            for _ in 0..n {
                while self
                    .1
                    .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
                    .is_err()
                {
                    let slept = self.0.sleep(me, spinning, all, || self.has_work());
                    assert_eq!(slept, Slept::Spinning, "not all sleep");
                    spinning = true;
                }
                if spinning {
                    spinning = false;
                    self.0.stop_spinning();
                }
            }
        }
    }

    fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(preemptions);
        builder.check(model);
    }

    /// One submits while the other goes to sleep. A lost wake-up is a deadlock, which loom reports.
    #[test]
    fn work_is_never_published_unseen() {
        check(4, || {
            let world = World::new();
            let other = Arc::clone(&world);
            let m = thread::spawn(move || other.work(1, 2, 1));
            world.submit();
            m.join().unwrap();
            assert_eq!(world.0.word.load(Relaxed), 0, "nobody spins, nobody sleeps");
        });
    }

    /// Two pieces of work for two sleepers: the first to wake passes the second on.
    #[test]
    fn a_spinner_that_finds_work_wakes_the_next() {
        check(2, || {
            let world = World::new();
            let ms = [1, 2].map(|me| {
                let world = Arc::clone(&world);
                thread::spawn(move || world.work(me, 3, 1))
            });
            world.submit();
            world.submit();
            ms.into_iter().for_each(|m| m.join().unwrap());
            assert_eq!(world.0.word.load(Relaxed), 0);
        });
    }
}
