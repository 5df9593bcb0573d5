//! The word that names the thread that the exit watcher watches: one thread that is not asleep on
//! a primitive of ours.
//!
//! `IDLE`: no thread is watched. A thread that finds that another thread prevents the deadlock
//! report sets `LOOKING` and rings. `LOOKING`: the watcher is about to choose. `AGAIN`: the
//! watcher is about to choose, and was asked once more. A thread's id: that thread is awake, or
//! has ended and the kernel is telling the watcher. A watched thread that falls asleep, or turns
//! out to be the runtime's, first publishes this, and then reads the word to see whether it is
//! watched. The watcher first writes the thread's id, and then looks whether the thread has
//! published such a change. One of the two sees the other. `core/sched/README.md#deadlock` says
//! what this is for.
#![forbid(unsafe_code)]

use crate::core::base::atomic::Ordering::{Relaxed, SeqCst};
use crate::core::base::atomic::{AtomicU32, fence};

const IDLE: u32 = 0;
const LOOKING: u32 = u32::MAX;
const AGAIN: u32 = u32::MAX - 1;

#[derive(Debug)]
pub(crate) struct Watched(AtomicU32);

/// Whether the watcher has to be rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Ring {
    Yes,
    No,
}

impl Watched {
    #[cfg(not(loom))]
    pub(crate) const fn nobody() -> Watched {
        Watched(AtomicU32::new(IDLE))
    }

    #[cfg(loom)]
    pub(crate) fn nobody() -> Watched {
        Watched(AtomicU32::new(IDLE))
    }

    /// Called by a thread that found that another thread prevents the report.
    pub(crate) fn ask(&self) -> Ring {
        let mut now = self.0.load(SeqCst); // pairs(watched): hold, rest
        loop {
            let (next, ring) = match now {
                IDLE => (LOOKING, Ring::Yes),
                LOOKING => (AGAIN, Ring::No),
                _ => return Ring::No,
            };
            // pairs(watched): rest's compare fails, or its later look sees what we saw
            match self.0.compare_exchange(now, next, SeqCst, SeqCst) {
                Ok(_) => return ring,
                Err(other) => now = other,
            }
        }
    }

    /// Called by a thread that has made known that it must not be watched.
    pub(crate) fn leaves(&self, tid: u32) -> Ring {
        fence(SeqCst); // pairs(watched): hold's fence
        match self.0.load(Relaxed) == tid {
            true => Ring::Yes,
            false => Ring::No,
        }
    }

    /// Called by the watcher, before it asks whether there is anything to watch for.
    pub(crate) fn look(&self) {
        self.0.swap(LOOKING, SeqCst); // pairs(watched): ask
    }

    /// Called by the watcher: this thread. It must then look whether that one is asleep after all.
    pub(crate) fn hold(&self, tid: u32) {
        self.0.store(tid, SeqCst); // pairs(watched): ask, which may stop here: somebody is watched
        fence(SeqCst); // pairs(watched): leaves's fence
    }

    /// Called by the watcher, which found nothing to watch for. Returns `false` if it was asked
    /// meanwhile.
    #[must_use]
    pub(crate) fn rest(&self) -> bool {
        // pairs(watched): ask
        self.0
            .compare_exchange(LOOKING, IDLE, SeqCst, SeqCst)
            .is_ok()
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicBool;

    /// A thread falls asleep while the watcher chooses it: it rings, or the watcher sees it.
    #[test]
    fn nobody_who_sleeps_is_watched() {
        loom::model(|| {
            let shared = Arc::new((Watched::nobody(), AtomicBool::new(false)));
            let thread = Arc::clone(&shared);
            let t = loom::thread::spawn(move || {
                thread.1.store(true, Relaxed);
                thread.0.leaves(7)
            });
            shared.0.look();
            shared.0.hold(7);
            let seen = shared.1.load(Relaxed);
            let rung = t.join().unwrap() == Ring::Yes;
            assert!(seen || rung, "asleep, and watched for ever");
        });
    }

    /// One finds that a thread prevents the report while the watcher, which saw nothing, goes to
    /// rest: it is rung, or looks again and sees the same.
    #[test]
    fn no_question_is_lost() {
        loom::model(|| {
            let shared = Arc::new((Watched::nobody(), AtomicBool::new(false)));
            shared.0.look();
            let asker = Arc::clone(&shared);
            let t = loom::thread::spawn(move || {
                asker.1.store(true, Relaxed); // from here on there is something to watch for
                asker.0.ask()
            });
            let mut seen = shared.1.load(Relaxed);
            if !shared.0.rest() {
                shared.0.look();
                seen |= shared.1.load(Relaxed);
            }
            let rung = t.join().unwrap() == Ring::Yes;
            assert!(seen || rung, "nobody looks");
        });
    }
}
