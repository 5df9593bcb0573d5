//! A P passes on without its M's help: taken from one that is blocked in the kernel, given up
//! by one that is about to wait.
//!
//! `take_from` is by the CAS of `m/words.rs`: no signal, no EINTR. The M finds out at its next
//! entry into the runtime and asks here for another P. See `sched/README.md#handoff`.
//!
//! Go: proc.go handoffp, exitsyscall, exitsyscall0, retake.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::g::goroutine::GRef;
use crate::g::status::Enqueue;
use crate::m::machine::M;
use crate::p::idle::Wake;
use crate::p::processor::{P, PStatus};
use crate::sched::idle::acquire_p;
use crate::sched::state::SCHED;
use crate::sched::wake::{start_m, start_m_locked, start_spinner};
use crate::sys::cputime::thread_cpu_time;
use crate::sys::membarrier;

/// Takes the P of an M that is in user code. The caller passes it on.
pub(crate) fn take_from(m: &'static M) -> Option<&'static P> {
    let p = m.words.try_steal(membarrier::everywhere, || m.p())?;
    m.lost_cpu
        .store(thread_cpu_time(m.tid.load(Relaxed)).unwrap_or(0), Relaxed);
    p.m.store(0, Relaxed);
    p.syscalltick
        .store(p.syscalltick.load(Relaxed).wrapping_add(1), Relaxed);
    Some(p)
}

/// Finds something to do for a P that nobody holds. Go: handoffp.
pub(crate) fn hand_off(p: &'static P) {
    if !p.runq.is_empty() || !SCHED.global.is_empty() {
        start_m(p, false);
        return;
    }
    SCHED.lock.lock();
    if SCHED.stopping.load(Relaxed) {
        p.set_status(PStatus::Stopped);
        SCHED.p_stopped();
        SCHED.lock.unlock();
    } else if !SCHED.global.is_empty() {
        start_m_locked(p, false);
    } else if SCHED.idle.try_add_idle() {
        p.set_status(PStatus::Idle);
        SCHED.push_idle_p(p);
        SCHED.lock.unlock();
        // The P's last goroutine may have readied another while we looked: no-lost-work.
        if SCHED.idle.load().idle_ps() > 0 && SCHED.idle.want_spinner() == Wake::StartSpinner {
            start_spinner();
        }
    } else {
        start_m_locked(p, true); // need-spinning: the new M is it
    }
}

/// A goroutine came out of the kernel without its P, and is off its stack now. True: there was
/// an idle P, and it goes on at once. False: it is queued.
pub(crate) fn find_p_for(m: &'static M, g: GRef) -> bool {
    SCHED.lock.lock();
    if !SCHED.stopping.load(Relaxed)
        && !g.status.is_valve()
        && let Some(p) = SCHED.pop_idle_p()
    {
        SCHED.lock.unlock();
        acquire_p(m, p);
        return true;
    }
    g.bound_m.store(0, Relaxed);
    if g.status.yielded_without_p() == Enqueue::Mine {
        SCHED.push_global(g);
    }
    SCHED.lock.unlock();
    false
}
