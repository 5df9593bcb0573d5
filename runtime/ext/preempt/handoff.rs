//! Handoff: a P is taken from an M that is blocked in the kernel, or given up by an M that is
//! about to wait.
//!
//! `take_from` uses the compare-and-swap of `ext/preempt/retake.rs`: no signal, no EINTR. The M
//! notices when it next enters the runtime, and asks here for another P. See
//! `core/sched/README.md#handoff`.
//!
//! Go: proc.go handoffp, entersyscallblock, exitsyscall, exitsyscall0, retake.
#![forbid(unsafe_code)]

use crate::core::base::owner_cell::OwnerCell;
use crate::core::g::goroutine::GRef;
use crate::core::g::status::Enqueue;
use crate::core::m::enter::NoPreempt;
use crate::core::m::machine::M;
use crate::core::p::processor::{P, PStatus};
use crate::core::sched::idle::acquire_p;
use crate::core::sched::schedt::{SCHED, SchedGuard};
use crate::core::sched::wake::start_m_locked;
use crate::core::sys::clock::Nanos;
use crate::ext::linux::cpu_time::thread_cpu_time;
use crate::ext::linux::membarrier;
use crate::ext::preempt::retake::Thief;
use crate::ext::recording::emit;
use crate::ext::settings::config::steady;
use crate::ext::threads::waiting_ps;
use crate::ext::timers::sched_timers;

/// Takes the P of an M that is in user code. The caller passes it on.
pub(crate) fn take_from(m: &'static M, thief: Thief) -> Option<&'static P> {
    let p = m
        .retake
        .try_steal(thief, membarrier::everywhere, || m.p())?;
    pass_from(m, p);
    Some(p)
}

/// `m` has lost `p`, and runs user code: for a moment only, from now on.
fn pass_from(m: &'static M, p: &P) {
    start_lost_slice(m);
    p.m.set(None);
    emit::p_retaken(m, p);
    p.syscalltick.add(1);
}

/// The calling goroutine is about to block in the kernel. If others wait for its P, and no other P is
/// there for them, they get it now. Go: entersyscallblock.
pub(crate) fn give_up_if_missed(rt: &NoPreempt) {
    let (Some(m), Some(held)) = (rt.m(), rt.p()) else {
        return;
    };
    let missed = SCHED.idle.load().all_busy() && SCHED.has_work_for(&held);
    if !missed || m.retake.depth() != 1 || steady() {
        return;
    }
    let sched = SCHED.lock();
    if SCHED.stopping.peek() {
        return;
    }
    let p = held.p();
    pass_from(m, p);
    m.set_p(None);
    m.retake.set_lost();
    hand_off_locked(sched, p);
}

/// CPU time that a goroutine may use after it has lost its P (`preemption.md` R5).
pub(crate) const LOST_SLICE: Nanos = 1_000_000;

/// What stops a thread: 0, nothing does.
static STOP_SIGNAL: OwnerCell<i32> = OwnerCell::zero();

/// From now on those that compute without a P get this signal.
pub(crate) fn stop_the_lost_by(signo: i32) {
    STOP_SIGNAL.set(signo);
}

/// From now on `m` may run user code without a P for a moment only. It may sleep in the kernel for
/// hours first, with everybody else: so a timer of the kernel's counts its moment, by its own CPU
/// clock. Where there is none, sysmon does (`sysmon.rs stop_the_lost`).
pub(crate) fn start_lost_slice(m: &M) {
    let tid = m.tid.peek();
    m.lost_cpu.set(thread_cpu_time(tid).unwrap_or(0));
    let signo = STOP_SIGNAL.peek();
    let timed = signo != 0 && m.lost_timer.start(tid, signo, LOST_SLICE);
    m.lost_is_timed.set(timed);
}

/// `m`, the calling thread, has noticed.
fn end_lost_slice(m: &M) {
    if m.lost_is_timed.peek() {
        m.lost_timer.stop();
    }
}

/// Finds an M for a P that no M holds, or makes the P idle. Go: handoffp.
pub(crate) fn hand_off(p: &'static P) {
    hand_off_locked(SCHED.lock(), p);
}

/// As [`hand_off`], for a caller that already holds the lock.
pub(crate) fn hand_off_locked(sched: SchedGuard, p: &'static P) {
    if SCHED.stopping.peek() {
        p.set_status(PStatus::Stopped);
        sched.p_stopped();
        drop(sched);
    } else if SCHED.has_work_for(p) {
        start_m_locked(sched, p, false);
    } else if SCHED.idle.try_add_idle() {
        p.set_status(PStatus::Idle);
        sched.push_idle_p(p);
        drop(sched);
        sched_timers::see_to(p); // nobody looks at an idle P's timers by itself
    } else {
        start_m_locked(sched, p, true); // need-spinning: the new M is it
    }
}

/// `g` came out of the kernel without its P: an idle one, if there is one and it may have it. Else the
/// scheduler's lock, under which there was none.
pub(crate) fn acquire_idle_p(m: &'static M, g: GRef) -> Result<(), SchedGuard> {
    end_lost_slice(m);
    let sched = SCHED.lock();
    if !SCHED.stopping.peek()
        && !g.status.is_valve()
        && let Some(p) = sched
            .pop_idle_p()
            .or_else(|| waiting_ps::take_not_spinning(&sched))
    {
        drop(sched);
        acquire_p(m, p);
        emit::comes_back(m, g);
        return Ok(());
    }
    Err(sched)
}

/// A goroutine came out of the kernel without its P, and is off its stack now. Returns `true` if
/// there was an idle P: it goes on at once. Otherwise it is queued.
pub(crate) fn find_p_for(m: &'static M, g: GRef) -> bool {
    let Err(sched) = acquire_idle_p(m, g) else {
        return true;
    };
    emit::leaves(m, g);
    // `bound_m` stays as it is: whoever picks the goroutine out of a queue it is already in
    // (the valve's) may be about to read it. The status says what it means.
    if g.status.yielded_without_p() == Enqueue::Mine {
        sched.push_global(g);
    }
    drop(sched);
    false
}
