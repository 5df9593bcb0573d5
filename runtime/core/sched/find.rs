//! Which goroutine runs next: the sources, in order.
//!
//! The order *is* the scheduler: the P's expired timers, a look at the global queue at every
//! 61st tick, goroutines that only this M may run, `runnext` and the local queue, a batch from the
//! global queue, goroutines whose descriptors are ready, then stealing (other Ps' expired timers
//! too). After the M has given up its P, it looks at everything once more
//! (`core/sched/README.md#no-lost-work`).
//!
//! Go: proc.go findRunnable, globrunqget, stealWork, checkRunqsNoP.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::fence;

use crate::core::g::goroutine::GRef;
use crate::core::hooks;
use crate::core::m::enter::NoPreempt;
use crate::core::m::machine::M;
use crate::core::p::processor::{HeldP, LentP, P, PStatus};
use crate::core::p::run_queue::{LOCAL_CAP, Picked, Slept, Source};
use crate::core::sched::idle;
use crate::core::sched::park::spill;
use crate::core::sched::schedt::{SCHED, SchedGuard};
use crate::core::sched::wake::wakep;
use crate::core::sys::clock::nanotime;
use crate::core::sys::osyield::osyield;

/// At every 61st tick the global queue is first; a pick that inherits its slice is no tick.
/// Otherwise two goroutines that keep readying each other could hide it forever. The number is a
/// prime, so that it does not match the period of a program.
const GLOBAL_EVERY: u32 = 61;
/// Go: a batch of the global queue is at most half a local queue.
const MOST_OF_GLOBAL: u32 = LOCAL_CAP as u32 / 2;
/// Sweeps over all Ps before giving up; the last one takes `runnext` too. Go: stealTries.
const SWEEPS: u32 = 4;
/// A goroutine in `runnext` is left alone this long: its waker is probably about to block, and
/// will run it sooner than we could.
const RUNNEXT_GRACE: u64 = 3_000;

/// The next goroutine for `m`, which has a P when this returns. Sleeps until there is one.
pub(crate) fn find_runnable(m: &'static M) -> Picked {
    loop {
        if hooks::stops_for_world(m) {
            continue;
        }
        let p = idle::held_p(m);
        let rt = NoPreempt::resumed(Some(m));
        let found = find_with_p(&rt, m, p.lend());
        rt.forget();
        if let Some(picked) = found {
            return picked;
        }
        if let Some(picked) = give_up_p(m, p) {
            return picked;
        }
    }
}

/// The sources that need nothing but the P.
#[inline]
fn find_with_p(rt: &NoPreempt, m: &'static M, p: LentP<'_>) -> Option<Picked> {
    let fired = hooks::run_own_due(rt, m, p.p());
    every_61st_global(p)
        .or_else(|| hooks::next_of_m(m, &p).map(|g| fresh(g, Source::OwnThread)))
        .or_else(|| local(p, fired))
        .or_else(|| global_batch(p))
        .or_else(|| hooks::poll_net(m, p).map(|g| fresh(g, Source::Net)))
        .or_else(|| steal(rt, m, p))
}

fn fresh(g: GRef, source: Source) -> Picked {
    hooks::picked(source);
    Picked { g, inherit: false }
}

/// The next goroutine of the P's own queue. If it would inherit a slice that is over, it goes
/// behind all others. Otherwise goroutines that ready each other, at one P, would hide the ring
/// forever, if no signal finds them in user code or if there are no signals. A goroutine whose
/// timer has just `fired` is an exception: it has used nothing of that slice.
#[inline]
fn local(p: LentP<'_>, fired: bool) -> Option<Picked> {
    let picked = p.get()?;
    if picked.inherit && hooks::slice_is_over(&p) && !fired {
        return behind_all(p, picked.g);
    }
    Some(picked)
}

#[cold]
fn behind_all(p: LentP<'_>, g: GRef) -> Option<Picked> {
    p.begin_slice();
    whole_global(p).push_global(g);
    wakep(); // nobody saw those that have yielded on their way
    p.get()
}

/// The first of the global queue, or of those that have yielded here, whichever came first.
#[inline]
fn every_61st_global(p: LentP<'_>) -> Option<Picked> {
    if !p.schedtick.get().is_multiple_of(GLOBAL_EVERY) {
        return None;
    }
    let g = if yielded_first(p) {
        p.next_yielded(SCHED.global_end())
    } else {
        SCHED.lock().global().pop_front()
    };
    g.map(|g| fresh(g, Source::Every61st))
}

/// Has the oldest of those that have yielded here waited longer than the whole global queue?
#[inline]
fn yielded_first(p: LentP<'_>) -> bool {
    SCHED.global_len() == 0 || p.runq.yielded.is_before(SCHED.global_taken())
}

#[inline]
fn global_batch(p: LentP<'_>) -> Option<Picked> {
    if yielded_first(p) {
        return yielded(p);
    }
    let batch = global_batch_locked(&SCHED.lock(), p);
    if batch.is_some() {
        show_moved(p);
        return batch;
    }
    yielded(p)
}

/// Of those that have yielded here as many as in a batch of the global queue.
#[inline]
fn yielded(p: LentP<'_>) -> Option<Picked> {
    let g = p.take_yielded(MOST_OF_GLOBAL, SCHED.global_end())?;
    show_moved(p);
    Some(fresh(g, Source::GlobalBatch))
}

/// While they moved, nobody saw those that are in the local queue now.
#[inline]
fn show_moved(p: LentP<'_>) {
    if !p.runq.is_empty() {
        wakep();
    }
}

/// This P's share of the global queue, with what has yielded here as its end: the first goroutine
/// runs, and the rest goes to the local queue. Go: globrunqgetbatch.
fn global_batch_locked(sched: &SchedGuard, p: LentP<'_>) -> Option<Picked> {
    let first = sched.global().pop_front()?;
    let size = SCHED.global_len() + p.runq.yielded.len() + 1;
    let share = (size / SCHED.procs() + 1).min(size).min(MOST_OF_GLOBAL);
    for _ in 1..share {
        let next = sched.global().pop_front();
        match next.or_else(|| p.get_yielded()) {
            // The local queue is empty, or was a moment ago: no overflow.
            Some(g) => p.put(g, |batch| sched.global().append(batch)),
            None => break,
        }
    }
    Some(fresh(first, Source::GlobalBatch))
}

fn steal(rt: &NoPreempt, m: &'static M, p: LentP<'_>) -> Option<Picked> {
    if !m.spinning.get() {
        if !SCHED.idle.try_spin(SCHED.procs()) {
            return None;
        }
        m.spins(true);
    }
    for sweep in 0..SWEEPS {
        let last = sweep == SWEEPS - 1;
        for victim in idle::steal_order(m) {
            if hooks::is_stopping() {
                return None;
            }
            let Some(victim) = SCHED.p(victim) else {
                continue;
            };
            if std::ptr::eq(victim, p.p()) {
                continue;
            }
            // Even an idle or a hogged P's timers: they make goroutines ready here.
            if last
                && hooks::run_due(rt, victim, false)
                && let Some(picked) = p.get()
            {
                hooks::picked(Source::Timer(victim.id));
                return Some(picked);
            }
            if victim.status() == PStatus::Idle {
                continue;
            }
            if let Some((g, n)) = p.steal_half(victim) {
                let victim = victim.id;
                return Some(fresh(g, Source::Half { victim, n }));
            }
            if last && let Some(g) = steal_next(victim) {
                return Some(fresh(g, Source::Next(victim.id)));
            }
        }
    }
    None
}

/// Takes a victim's `runnext`, after a grace in which the victim may run it itself.
fn steal_next(victim: &P) -> Option<GRef> {
    let seen = victim.runq.peek_next()?;
    if victim.status() == PStatus::Running {
        let end = nanotime() + RUNNEXT_GRACE;
        while nanotime() < end {
            if !victim.runq.peek_next().is_some_and(|g| g.same(seen)) {
                return None;
            }
            osyield();
        }
    }
    victim.runq.steal_next(seen).then_some(seen)
}

/// Nothing found: the P goes to the idle list, and the M to sleep, unless a last look finds
/// something after all.
#[cold]
fn give_up_p(m: &'static M, p: HeldP) -> Option<Picked> {
    let sched = SCHED.lock();
    if hooks::is_stopping() {
        drop(sched);
        return None;
    }
    let tied = hooks::next_of_m_locked(&sched, m).map(|g| fresh(g, Source::OwnThread));
    let found = tied.or_else(|| global_batch_locked(&sched, p.lend()));
    let starved = || hooks::next_starved(&sched, &p).map(|g| fresh(g, Source::NoStack));
    if let Some(picked) = found.or_else(starved) {
        drop(sched);
        return Some(picked);
    }
    if m.spinning.get() {
        SCHED.idle.add_idle();
    } else if !SCHED.idle.try_add_idle() {
        // need-spinning: somebody wanted a spinner when no P was idle. That is me now.
        m.spins(true);
        drop(sched);
        return None;
    }
    sched.push_idle_p(idle::release_p(m, p));
    drop(sched);
    if m.spinning.get() && last_look(m) {
        return None;
    }
    // If a timer is due and no P is idle: all are busy, and look at their timers themselves.
    let looks = match hooks::wait_for_timers(m) {
        Slept::NotForTimers => false,
        Slept::Look => spin_with_idle_p(m),
        Slept::Run(g) => match take_idle_p_for(m, g) {
            Some(picked) => return Some(picked),
            None => false,
        },
    };
    if !looks {
        idle::stop_m(m);
    }
    None
}

/// Takes an idle P for one goroutine, and does not spin: nobody else is woken. If there is none, the M
/// that gives up the next P will find the goroutine. Go: findRunnable, after netpoll has blocked.
fn take_idle_p_for(m: &'static M, g: GRef) -> Option<Picked> {
    let sched = SCHED.lock();
    let Some(p) = sched.pop_idle_p() else {
        sched.push_global(g);
        SCHED.idle.leave_need();
        return None;
    };
    drop(sched);
    idle::acquire_p(m, p);
    Some(fresh(g, Source::Net))
}

/// The M stops spinning, and then looks at every queue once more. Returns `true` if it has a P
/// again.
fn last_look(m: &'static M) -> bool {
    m.spins(false);
    SCHED.idle.stop_spinning();
    fence(SeqCst); // pairs(no-lost-work): wakep's fence, after its caller's publication
    let work = SCHED.global_len() != 0
        || SCHED
            .ps()
            .any(|p| p.status() != PStatus::Idle && !p.runq.is_empty());
    work && spin_with_idle_p(m)
}

/// Takes an idle P and spins. Returns `false` if there is none; the M that gives up the next P will
/// look. Go: pidlegetSpinning.
fn spin_with_idle_p(m: &'static M) -> bool {
    let sched = SCHED.lock();
    let p = sched.pop_idle_p();
    if p.is_none() {
        SCHED.idle.leave_need();
    }
    drop(sched);
    match p {
        Some(p) => {
            idle::acquire_p(m, p);
            m.spins(true);
            SCHED.idle.start_spinning();
            true
        }
        None => false,
    }
}

/// The global queue, with what has yielded here behind the rest: for all to see. For a goroutine whose
/// slice was over: those that wait behind it here may run elsewhere first.
pub(crate) fn whole_global(p: LentP<'_>) -> SchedGuard {
    let yielded = p.drain_yielded();
    let sched = SCHED.lock();
    sched.global().append(&yielded);
    sched
}

/// A goroutine that yielded goes to the tail of the global queue, as this P sees it, and an idle M may
/// run it now.
#[inline]
pub(crate) fn put_back_behind_all(p: LentP<'_>, g: GRef) {
    p.put_yielded(g, SCHED.global_end(), spill);
}

/// A goroutine at the tail of this P's queue.
pub(crate) fn put_back_local(p: LentP<'_>, g: GRef) {
    p.put(g, spill);
}
