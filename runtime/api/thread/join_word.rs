//! Who waits for a goroutine's end: one word, and the joiner beside it.
//!
//! `RUNNING`, `JOINING` (the joiner's G stands beside it), `AWAITED` (the waker of an executor's
//! task stands beside it, in `join.rs`), `DONE` (the result is in place and belongs to the handle).
//! The goroutine writes the result before it swaps in `DONE`; the joiner announces its park before
//! it goes from `RUNNING` to `JOINING` by a CAS. The waker's place is the handle's while the word is
//! `RUNNING`; who leaves `AWAITED`, takes it over.
#![forbid(unsafe_code)]

use crate::core::base::atomic::AtomicU32;
use crate::core::base::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::core::base::owner_cell::OwnerRef;
#[cfg(not(loom))]
use crate::core::g::goroutine::G;
use crate::core::g::wait_reason::WaitReason;
#[cfg(loom)]
use crate::core::wait::loom_sched::G;
use crate::core::wait::sched_api::{enter, enter_to_wait, park, ready};

const RUNNING: u32 = 0;
const JOINING: u32 = 1;
const AWAITED: u32 = 2;
const DONE: u32 = 3;

/// See the file's header.
pub(crate) struct JoinWord {
    word: AtomicU32,
    joiner: OwnerRef<G>,
}

/// What the handle finds when it takes back its waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Forgot {
    /// There was one: its place is the handle's again.
    Waker,
    /// There was none.
    Nothing,
    /// The goroutine has ended.
    Ended,
}

impl JoinWord {
    pub(crate) fn new() -> JoinWord {
        JoinWord {
            word: AtomicU32::new(RUNNING),
            joiner: OwnerRef::none(),
        }
    }

    /// By the goroutine, at its end, once. Returns `true` if it is the one to call the waker.
    #[inline]
    pub(crate) fn finish(&self) -> bool {
        let rt = enter();
        // Release pairs(join): is_done's Acquire. Acquire pairs(join): the joiner's Release.
        let before = self.word.swap(DONE, AcqRel);
        if before == JOINING
            && let Some(g) = self.joiner.get()
        {
            ready(&rt, g);
        }
        before == AWAITED
    }

    /// By the handle, whose waker is in place. Returns `false` if the goroutine has ended; then the
    /// place is still the handle's.
    #[inline]
    pub(crate) fn publish_waker(&self) -> bool {
        // Release pairs(join): finish's Acquire sees the waker. Acquire pairs(join): finish's
        // Release, if it was faster.
        self.word
            .compare_exchange(RUNNING, AWAITED, Release, Acquire)
            .is_ok()
    }

    /// By the handle.
    #[inline]
    pub(crate) fn forget_waker(&self) -> Forgot {
        // Acquire pairs(join): finish's Release. Success needs none: the place was ours before.
        match self
            .word
            .compare_exchange(AWAITED, RUNNING, Relaxed, Acquire)
        {
            Ok(_) => Forgot::Waker,
            Err(DONE) => Forgot::Ended,
            Err(_) => Forgot::Nothing,
        }
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        // Acquire pairs(join): finish's Release.
        self.word.load(Acquire) == DONE
    }

    /// Waits for the end of the goroutine `whom`. By the handle, without a waker.
    #[inline]
    pub(crate) fn wait(&self, reason: WaitReason, whom: u64) {
        while !self.is_done() {
            let rt = enter_to_wait();
            let g = rt.current();
            self.joiner.set(Some(g));
            g.announce_park_for(reason, whom as usize);
            // Release pairs(join): finish's Acquire sees the joiner.
            if self
                .word
                .compare_exchange(RUNNING, JOINING, Release, Relaxed)
                .is_ok()
            {
                park(rt);
            } else {
                g.status.cancel_park();
            }
        }
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;

    /// The result passes by the word, whenever the joiner comes.
    #[test]
    fn the_joiner_wakes_and_has_the_result() {
        loom::model(|| {
            let shared = Arc::new((JoinWord::new(), UnsafeCell::new(0)));
            let ends = Arc::clone(&shared);
            let ends = loom::thread::spawn(move || {
                ends.1.with_mut(|_| ()); // the result
                assert!(!ends.0.finish(), "there is no waker");
            });
            shared.0.wait(WaitReason::Join, 0);
            shared.1.with_mut(|_| ()); // loom reports it if the goroutine is not through
            ends.join().unwrap();
        });
    }

    /// A task polls and then joins, or gives the handle away: its waker is called or taken back,
    /// by one of the two.
    #[test]
    fn the_waker_has_one_owner() {
        loom::model(|| {
            let shared = Arc::new((JoinWord::new(), UnsafeCell::new(0)));
            let ends = Arc::clone(&shared);
            let ends = loom::thread::spawn(move || {
                let mine = ends.0.finish();
                if mine {
                    ends.1.with_mut(|_| ());
                }
                mine
            });
            shared.1.with_mut(|_| ()); // the waker is put in place
            let published = shared.0.publish_waker();
            let back = published && shared.0.forget_waker() == Forgot::Waker;
            if back || !published {
                shared.1.with_mut(|_| ());
            }
            shared.0.wait(WaitReason::Join, 0);
            let called = ends.join().unwrap();
            assert_eq!(called, published && !back);
        });
    }
}
