//! Stopping the world: to change the number of Ps, or to look at all goroutines at rest.
//!
//! Every M gives up its P at its next pick; the last M to do so wakes the stopper. A P that is
//! removed leaves its goroutines at the *front* of the global queue, as they were first.
//!
//! A thread that stops the world in a loop starves no goroutine: stoppers take turns, each P may
//! pick one goroutine between two stops (`owed-pick`), and a goroutine that stops the world in a
//! loop is preempted by the stop itself after its slice, as sysmon does not see it run.
//!
//! Go: proc.go stopTheWorldWithSema, startTheWorldWithSema, procresize.
#![forbid(unsafe_code)]

use crate::core::g::wait_reason::WaitReason;
use crate::core::m::enter::{NoPreempt, enter_to_wait};
use crate::core::p::processor::{P, PStatus};
use crate::core::sched::idle::{acquire_p, detach_p, make_steal_order};
use crate::core::sched::schedt::SCHED;
use crate::core::sched::start::make_ps;
use crate::core::sched::wake::{start_m_locked, wakep};
use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::linux::cpu_time::is_blocked_in_kernel;
use crate::ext::linux::membarrier;
use crate::ext::locks::turn::{HeldTurn, Runs, Turn};
use crate::ext::preempt::deaf;
use crate::ext::preempt::handoff::{hand_off, take_from};
use crate::ext::preempt::pending::SLICE_OVER;
use crate::ext::preempt::preempt_signal::preempt;
use crate::ext::preempt::retake::Thief;
use crate::ext::preempt::sysmon::DEFAULT_SLICE;
use crate::ext::stackalloc::cache::StackCache;
use crate::ext::stackalloc::quota;
use crate::ext::threads::allm::m_by_id;
use crate::ext::threads::hold::{Unheld, hold};
use crate::ext::threads::waiting_ps;

/// How long the stopper waits before it asks again. Go: stopTheWorldWithSema.
const ASK_AGAIN: Nanos = 100_000;
/// How long a P may wait for its thread in the meantime.
const PATIENCE: Nanos = 20_000_000;

/// One stopper at a time, in the order of their coming. Go: worldsema.
static TURN: Turn = Turn::new(Runs::Last);

/// Those behind are parked: if they yielded, and the one whose turn it is got no CPU for a moment,
/// they would yield a million times.
pub(crate) fn take_turn() -> HeldTurn<'static> {
    TURN.take(WaitReason::Semacquire)
}

/// Changes the number of Ps to `n` while goroutines run; returns the old number.
pub(crate) fn resize(n: u32) -> u32 {
    resize_in_turn(take_turn(), n)
}

/// As [`resize`], unless `still` says no when it is our turn.
pub(crate) fn resize_if(n: u32, still: impl FnOnce() -> bool) {
    let turn = take_turn();
    if still() {
        resize_in_turn(turn, n);
    }
}

fn resize_in_turn(turn: HeldTurn<'static>, n: u32) -> u32 {
    // What allocates comes first: the new Ps, out of everybody's sight, and their steal order.
    make_steal_order(n);
    quota::set_kept(n as usize * StackCache::CAP);
    make_ps(n);
    let rt = enter_to_wait();
    stop(&rt);
    let before = SCHED.procs();
    put_aside(&rt, n);
    SCHED.set_procs(n);
    start(&rt);
    drop(turn); // before the goroutine may be preempted
    drop(rt);
    before
}

/// Runs `f`, inside the runtime, while no goroutine runs but the caller. `f` is quick.
///
/// What is parked stays off its stack meanwhile: whoever wakes it can only queue it. A goroutine
/// that was caught in the kernel may come out of it and run user code, but not into the runtime.
pub(crate) fn stopped<R>(f: impl FnOnce(&NoPreempt) -> R) -> R {
    let turn = take_turn();
    let rt = enter_to_wait();
    stop(&rt);
    let result = f(&rt);
    start(&rt);
    drop(turn); // before the goroutine may be preempted
    drop(rt);
    result
}

/// Waits until no goroutine runs but the caller.
fn stop(rt: &NoPreempt) {
    note_slice(rt);
    SCHED.ps().for_each(P::settle_pick);
    let sched = SCHED.lock();
    SCHED.stopping.set(true);
    let mut running = SCHED.procs();
    if let Some(p) = rt.p() {
        p.set_status(PStatus::Stopped);
        running -= 1;
    }
    while let Some(p) = sched.pop_idle_p() {
        p.set_status(PStatus::Stopped);
        running -= 1;
    }
    SCHED.still_running.set(running);
    drop(sched);
    let patience = nanotime() + PATIENCE;
    while running > 0 && !SCHED.all_stopped.sleep_until(Some(nanotime() + ASK_AGAIN)) {
        ask_all(rt);
        if nanotime() > patience {
            take_waiting();
        }
    }
}

/// Ps that wait for a thread which the system may refuse. Not at once: the thread is owed a pick.
fn take_waiting() {
    let sched = SCHED.lock();
    while let Some(p) = waiting_ps::take_not_spinning(&sched) {
        p.set_status(PStatus::Stopped);
        sched.p_stopped();
    }
}

/// Asks every busy M for its P: by a signal if it computes, by force if it is in the kernel or does
/// not hear the signal. By force, too, where the kernel does not say.
fn ask_all(rt: &NoPreempt) {
    let me = rt.m().map(|m| m.id);
    for p in SCHED.ps().filter(|p| p.status() == PStatus::Running) {
        let holder = p.m.get();
        let Some(m) = holder.filter(|_| holder != me).and_then(m_by_id) else {
            continue;
        };
        if is_blocked_in_kernel(m.tid.peek()) != Some(false) || deaf::is_deaf(m) {
            match take_from(m, Thief::Stopper) {
                Some(p) => hand_off(p),                                 // which stops it
                None if membarrier::refused() != 0 => preempt(m, None), // at the price of EINTR
                None => (),
            }
        } else {
            preempt(m, None);
        }
    }
}

/// Ps from `n` on go: their goroutines to the global queue, their caches back. The caller, if
/// its own P is among them, moves to P 0.
fn put_aside(rt: &NoPreempt, n: u32) {
    for p in SCHED.all_ps().skip(n as usize) {
        if p.status() == PStatus::Dead {
            continue;
        }
        let held = hold(p, Unheld::Stopped);
        let (rest, yielded) = (held.drain(), held.drain_yielded());
        // The world is stopped, but foreign threads, and goroutines that come out of the kernel
        // without a P, still put into the global queue.
        let sched = SCHED.lock();
        rest.append(sched.global());
        rest.append(&yielded);
        sched.global().append(&rest);
        drop(sched);
        held.flush_caches();
        if let Some(first) = SCHED.p(0) {
            p.timers.take_all_into(&first.timers);
        }
        p.set_status(PStatus::Dead);
        if let Some(m) = rt.m()
            && m.p().is_some_and(|mine| mine.id == p.id)
            && let Some(first) = SCHED.p(0)
        {
            detach_p(m, held);
            acquire_p(m, first);
        }
    }
}

/// Starts the world again, with `SCHED.procs()` Ps. Go: startTheWorldWithSema.
fn start(rt: &NoPreempt) {
    let mine = rt.p().map(|p| p.id);
    // Ps with goroutines in their queues get an M each, below; linked by `idle_link`.
    let mut with_work: Option<&'static P> = None;
    let sched = SCHED.lock();
    SCHED.stopping.set(false);
    for i in (0..SCHED.procs() as usize).rev() {
        let Some(p) = SCHED.p(i) else { continue };
        p.owe_pick();
        if Some(p.id) == mine {
            p.set_status(PStatus::Running);
        } else if p.runq.is_empty() {
            p.set_status(PStatus::Idle);
            SCHED.idle.add_idle();
            sched.push_idle_p(p);
        } else {
            p.idle_link.set(with_work.replace(p));
        }
    }
    drop(sched);
    while let Some(p) = with_work {
        with_work = p.idle_link.take();
        start_m_locked(SCHED.lock(), p, false);
    }
    SCHED.timer_waiter.look_again(); // timers may have moved behind its back
    wakep();
    note_slice(rt);
}

/// A goroutine that has done nothing but stop the world for a slice is preempted when it leaves.
fn note_slice(rt: &NoPreempt) {
    if let Some((m, p)) = rt.m().zip(rt.p())
        && p.stops_for(nanotime()) >= DEFAULT_SLICE
    {
        m.pending.ask(SLICE_OVER);
    }
}
