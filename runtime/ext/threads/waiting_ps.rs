//! Ps that wait for an M, since no M was idle: for a new M, or for the M that is free first.
//!
//! The system may refuse a thread, now or forever. So a P is not promised to the thread that is
//! made for it. It is in this list, and the first to come takes it: the new M, an M that goes
//! idle or comes out of the kernel, or a thread that stops the world. See
//! `core/sched/README.md#refused`.
//!
//! All functions but [`any`] need the scheduler's lock.
#![forbid(unsafe_code)]

use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::m::machine::M;
use crate::core::p::processor::P;
use crate::core::sched::schedt::{SCHED, SchedGuard};

/// Last in, first out; under the scheduler's lock.
struct WaitingPs {
    /// Last in, first out, through `idle_link`.
    first: OwnerRef<P>,
    count: OwnerCell<u32>,
}

static WAITING: WaitingPs = WaitingPs {
    first: OwnerRef::none(),
    count: OwnerCell::zero(),
};

/// `p` waits from now on. `spinning`: its M is to look for work, and is counted already. It
/// counts as an M that is awake, so that no deadlock is reported.
pub(crate) fn push(sched: &SchedGuard, p: &'static P, spinning: bool) {
    sched.add_m(1);
    WAITING.count.add(1);
    p.wake_spinning.set(spinning);
    p.idle_link.set(WAITING.first.get());
    WAITING.first.set(Some(p));
}

fn pop(sched: &SchedGuard) -> Option<&'static P> {
    let p = WAITING.first.get()?;
    WAITING.first.set(p.idle_link.take());
    WAITING.count.sub(1);
    sched.add_m(-1);
    Some(p)
}

/// Takes a P for `m`, which is not idle and enters its loop with it; `m` is spinning then, if
/// that was asked for.
pub(crate) fn take_for(sched: &SchedGuard, m: &M) -> Option<&'static P> {
    let p = pop(sched)?;
    m.spinning.set(p.wake_spinning.get());
    Some(p)
}

/// Takes one for a caller that will not look for work with it.
pub(crate) fn take_not_spinning(sched: &SchedGuard) -> Option<&'static P> {
    let p = pop(sched)?;
    if p.wake_spinning.get() {
        // Others may have relied on the spinner: whoever drops a P next looks in its place.
        SCHED.idle.spinner_without_p();
    }
    Some(p)
}

/// Each of them, under the lock.
pub(crate) fn for_each(_: &SchedGuard, mut f: impl FnMut(&'static P)) {
    let mut next = WAITING.first.get();
    while let Some(p) = next {
        next = p.idle_link.get();
        f(p);
    }
}

/// How many there are.
pub(crate) fn count() -> u32 {
    WAITING.count.peek()
}

/// Is there one? Without the lock it is a hint.
pub(crate) fn any() -> bool {
    count() != 0
}

/// Threads are refused: a P that waits for one goes to an M that is idle after all, or sleeps for
/// the timers.
pub(crate) fn serve_waiting() {
    loop {
        let sched = SCHED.lock();
        let m = if any() { sched.pop_idle_m() } else { None };
        let p = m.and_then(|m| take_for(&sched, m));
        let more = any();
        drop(sched);
        match m {
            Some(m) => {
                m.next_p.set(p);
                m.note.wake(); // as in `hand_over`
            }
            None if more => return SCHED.timer_waiter.look_again(),
            None => return,
        }
    }
}
