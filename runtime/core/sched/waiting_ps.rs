//! Ps that wait for an M, since no M was idle: for a new M, or for the M that is free first.
//!
//! The system may refuse a thread, now or forever. So a P is not promised to the thread that is
//! made for it. It is in this list, and the first to come takes it: the new M, an M that goes
//! idle or comes out of the kernel, or a thread that stops the world. See `README.md#refused`.
//!
//! All functions but [`any`] need the scheduler's lock.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::m::machine::M;
use crate::core::p::processor::P;
use crate::core::sched::schedt::{SCHED, SchedGuard, add};

/// Last in, first out, through `idle_link`.
static FIRST: AtomicRef<P> = AtomicRef::none();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// `p` waits from now on. `spinning`: its M is to look for work, and is counted already. It
/// counts as an M that is awake, so that no deadlock is reported.
pub(crate) fn push(sched: &SchedGuard, p: &'static P, spinning: bool) {
    sched.add_m(1);
    add(&COUNT, 1);
    p.wake_spinning.store(spinning, Relaxed);
    p.idle_link.store(FIRST.load(Relaxed), Relaxed);
    FIRST.store(Some(p), Relaxed);
}

fn pop(sched: &SchedGuard) -> Option<&'static P> {
    let p = FIRST.load(Relaxed)?;
    FIRST.store(p.idle_link.take_relaxed(), Relaxed);
    add(&COUNT, 1u32.wrapping_neg());
    sched.add_m(-1);
    Some(p)
}

/// Takes a P for `m`, which is not idle and enters its loop with it; `m` is spinning then, if
/// that was asked for.
pub(crate) fn take_for(sched: &SchedGuard, m: &M) -> Option<&'static P> {
    let p = pop(sched)?;
    m.spinning.store(p.wake_spinning.load(Relaxed), Relaxed);
    Some(p)
}

/// Takes one for a caller that will not look for work with it.
pub(crate) fn take_not_spinning(sched: &SchedGuard) -> Option<&'static P> {
    let p = pop(sched)?;
    if p.wake_spinning.load(Relaxed) {
        // Others may have relied on the spinner: whoever drops a P next looks in its place.
        SCHED.idle.spinner_without_p();
    }
    Some(p)
}

/// How many there are.
pub(crate) fn count() -> u32 {
    COUNT.load(Relaxed)
}

/// Is there one? Without the lock it is a hint.
pub(crate) fn any() -> bool {
    count() != 0
}
