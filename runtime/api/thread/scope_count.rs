//! How many goroutines of a scope are alive, and the parent that waits for the last of them.
//!
//! The word: goroutines alive, plus `WAITING` once the parent sleeps. The parent announces its park
//! before it adds `WAITING`; who takes one away and finds `WAITING` alone readies it.
#![forbid(unsafe_code)]

use crate::core::base::atomic::AtomicU64;
use crate::core::base::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use crate::core::base::owner_cell::OwnerRef;
#[cfg(not(loom))]
use crate::core::g::goroutine::G;
use crate::core::g::wait_reason::WaitReason;
#[cfg(loom)]
use crate::core::wait::loom_sched::G;
use crate::core::wait::sched_api::{enter, enter_to_wait, park, ready};

const WAITING: u64 = 1 << (u64::BITS - 1);

/// See the file's header.
pub(crate) struct ScopeCount {
    alive: AtomicU64,
    parent: OwnerRef<G>,
}

impl ScopeCount {
    pub(crate) fn new() -> ScopeCount {
        ScopeCount {
            alive: AtomicU64::new(0),
            parent: OwnerRef::none(),
        }
    }

    /// By one that is counted, or by the parent: one more will live.
    pub(crate) fn one_more(&self) {
        self.alive.fetch_add(1, Relaxed);
    }

    /// One goroutine has ended: nothing of it borrows any more.
    pub(crate) fn one_ended(&self) {
        let rt = enter();
        // Release pairs(scope): wait's Acquire. Acquire pairs(scope): wait's Release.
        if self.alive.fetch_sub(1, AcqRel) == WAITING + 1
            && let Some(parent) = self.parent.get()
        {
            ready(&rt, parent);
        }
    }

    /// Waits until none is alive. By the parent.
    pub(crate) fn wait(&self) {
        // Acquire pairs(scope): one_ended's Release.
        if self.alive.load(Acquire) == 0 {
            return;
        }
        let rt = enter_to_wait();
        let g = rt.current();
        self.parent.set(Some(g));
        g.announce_park(WaitReason::ScopeWait);
        // Release pairs(scope): one_ended's Acquire sees the parent.
        if self.alive.fetch_add(WAITING, AcqRel) == 0 {
            g.status.cancel_park();
        } else {
            park(rt);
        }
    }

    /// For dumps.
    pub(crate) fn alive(&self) -> u64 {
        self.alive.load(Relaxed) & !WAITING
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;

    /// Two goroutines borrow, and one of them starts a third: the parent goes on when all are gone.
    #[test]
    fn the_parent_goes_on_after_the_last_one() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let cells = [UnsafeCell::new(0), UnsafeCell::new(0)];
            let shared = Arc::new((ScopeCount::new(), cells));
            let goroutines = [0, 1].map(|i| {
                shared.0.one_more();
                let shared = Arc::clone(&shared);
                loom::thread::spawn(move || {
                    shared.1[i].with_mut(|_| ());
                    if i == 0 {
                        shared.0.one_more();
                        shared.0.one_ended();
                    }
                    shared.0.one_ended();
                })
            });
            shared.0.wait();
            for cell in &shared.1 {
                cell.with_mut(|_| ()); // loom reports one that still borrows
            }
            goroutines.into_iter().for_each(|g| g.join().unwrap());
        });
    }
}
