//! Threads are refused, and a P waits for one: the spawner does what a new M would do first, and gives the P to
//! an M that is there.
//!
//! An idle M takes it, or the timer waiter. If there is none, an M may sleep until one is picked who needs its
//! thread: a goroutine that is locked to it, or one that was stopped on its stack there. See
//! `core/sched/README.md#refused`.
//!
//! Go: none; the Go runtime dies when it cannot make a thread.
#![forbid(unsafe_code)]

use crate::core::g::goroutine::GRef;
use crate::core::m::machine::M;
use crate::core::sched::schedt::{SCHED, SchedGuard};
use crate::core::sched::wake::hand_over;
use crate::core::sys::fatal::fatal;
use crate::ext::placement::idle_ms::Sleeper;
use crate::ext::preempt::preempt_signal::{bound_to, take_bound};
use crate::ext::stopped::Bound;
use crate::ext::threads::allm;
use crate::ext::threads::hold::{Unheld, hold};
use crate::ext::threads::waiting_ps::{self, serve_waiting};

/// Called by the spawner.
pub(crate) fn serve_refused() {
    serve_waiting();
    let sched = SCHED.lock();
    if !waiting_ps::any() {
        return;
    }
    // What they have to the front of the global queue, as it was first.
    waiting_ps::for_each(&sched, |p| {
        let held = hold(p, Unheld::Waiting);
        let rest = held.drain();
        rest.append(sched.global());
        rest.append(&held.drain_yielded());
        sched.global().append(&rest);
    });
    let sleeper = take_first_for_sleeper(&sched);
    let p = sleeper.and_then(|_| waiting_ps::take_not_spinning(&sched));
    drop(sched);
    if let (Some(sleeper), Some(p)) = (sleeper, p) {
        hand_over(sleeper, p, false);
    }
}

/// Takes the first goroutine out of the global queue that needs a thread which sleeps for it; that thread's M,
/// which is the caller's to wake.
fn take_first_for_sleeper(sched: &SchedGuard) -> Option<&'static M> {
    let mut found = None;
    for _ in 0..SCHED.global_len() {
        let g = sched.global().pop_front()?;
        if found.is_some() {
            sched.push_global(g);
        } else if g.bound_m.get().is_some() {
            found = stopped_there(sched, g);
        } else {
            found = locked_there(sched, g);
        }
    }
    found
}

fn stopped_there(sched: &SchedGuard, g: GRef) -> Option<&'static M> {
    match take_bound(g) {
        Bound::Asleep => Some(bound_to(g)),
        Bound::Running => None, // it is in no queue now, and queues itself
        Bound::Runnable => locked_there(sched, g),
    }
}

fn locked_there(sched: &SchedGuard, g: GRef) -> Option<&'static M> {
    let owner = g.locked_m.get().and_then(allm::m_by_id);
    let Some(owner) = owner.filter(|owner| owner.waits_for_own.get()) else {
        sched.push_global(g);
        return None;
    };
    owner.affinity.queue.push_back(g);
    if sched.take_asleep(owner) == Sleeper::Awake {
        fatal!("m{} waits for its own, and is awake", owner.id);
    }
    Some(owner)
}
