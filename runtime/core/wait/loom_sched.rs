//! loom's stand-in for the scheduler: every loom thread is a goroutine, and parks as one does.
//!
//! The goroutine's status word and its claim are the real ones; the lock and the sleep are
//! loom's own, which keeps the number of interleavings low (their models are in `core/sys`).
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use loom::sync::{Mutex, MutexGuard, Notify};

use crate::core::base::atomic::AtomicU64 as LoomU64;
use crate::core::base::owner_cell::OwnerRef;
use crate::core::g::status::{Enqueue, Status};
use crate::core::g::wait_reason::WaitReason;
use crate::core::g::wait_round::{WaitId, WaitRound};
use crate::core::sys::clock::Nanos;

/// What the files under test use of a G.
#[derive(Debug)]
pub(crate) struct G {
    pub(crate) status: Status,
    sleep: Notify,
    pub(crate) wait_round: WaitRound,
}

pub(crate) type GRef = &'static G;

loom::thread_local! {
    static ME: GRef = {
        let g: GRef = Box::leak(Box::new(G {
            status: Status::dead(),
            sleep: Notify::new(),
            wait_round: WaitRound::new(),
        }));
        g.status.set_running_thread();
        g
    };
}

impl G {
    pub(crate) fn announce_park(&self, reason: WaitReason) {
        self.announce_park_for(reason, 0);
    }

    pub(crate) fn announce_park_for(&self, _reason: WaitReason, _what: usize) {
        self.status.announce_park();
    }

    pub(crate) fn open_round(&self) -> WaitId {
        self.wait_round.open()
    }
}

/// The park token and who waits for it.
pub(crate) struct Identity {
    pub(crate) token: LoomU64,
    pub(crate) waiter: OwnerRef<G>,
}

impl Identity {
    pub(crate) fn new() -> Identity {
        Identity {
            token: LoomU64::new(0),
            waiter: OwnerRef::none(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct RawLock(Mutex<()>);

impl RawLock {
    pub(crate) fn new() -> RawLock {
        RawLock(Mutex::new(()))
    }
}

#[derive(Debug)]
pub(crate) struct NoPreempt(());

pub(crate) fn enter() -> NoPreempt {
    NoPreempt(())
}

pub(crate) fn enter_to_wait() -> NoPreempt {
    NoPreempt(())
}

impl NoPreempt {
    pub(crate) fn current(&self) -> GRef {
        ME.with(|me| *me)
    }

    pub(crate) fn lock<'a>(&'a self, lock: &'a RawLock) -> MutexGuard<'a, ()> {
        lock.0.lock().unwrap()
    }
}

pub(crate) fn park(rt: NoPreempt) {
    let g = rt.current();
    if g.status.commit_park() == Enqueue::NotMine {
        while !g.status.thread_woken() {
            g.sleep.wait();
        }
    }
    g.status.run();
}

/// Time runs out at any moment: at once, or (as far as loom knows) never.
pub(crate) fn park_until(rt: NoPreempt, _deadline: Nanos, ticket: WaitId, case: u16) {
    let g = rt.current();
    if g.status.commit_park() == Enqueue::NotMine {
        if g.wait_round.claim(ticket, case) {
            g.status.thread_gave_up();
            return;
        }
        while !g.status.thread_woken() {
            g.sleep.wait();
        }
    }
    g.status.run();
}

pub(crate) fn ready(_rt: &NoPreempt, g: GRef) {
    if g.status.ready() == Enqueue::Mine {
        g.sleep.notify();
    }
}

pub(crate) fn yield_local() {
    loom::thread::yield_now();
}

loom::lazy_static! {
    static ref CLOCK: Clock = Clock {
        now: AtomicU64::new(0),
        step: AtomicU64::new(0),
    };
}

/// A clock that goes on by `step` at each look. Not a part of the state that loom explores.
struct Clock {
    now: AtomicU64,
    step: AtomicU64,
}

/// At the start of a model: shall waits count as long or as short?
pub(crate) fn set_clock_step(step: Nanos) {
    CLOCK.step.store(step, Relaxed);
}

pub(crate) fn waited_for_mutex(_: Nanos) {}

pub(crate) fn steady() -> bool {
    false
}

pub(crate) fn nanotime() -> Nanos {
    CLOCK.now.fetch_add(CLOCK.step.load(Relaxed), Relaxed)
}
