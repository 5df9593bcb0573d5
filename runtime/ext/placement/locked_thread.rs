//! A goroutine and a thread that are locked to each other: `lock_os_thread`.
//!
//! The M runs no other goroutine, except those that need this very thread as well: goroutines
//! that are tied to it (`ext/placement/tied.rs`), and tied goroutines that have locked themselves
//! there. When it has none to run, it gives its P to another M and sleeps. The M that later picks
//! one of these goroutines gives its P to the sleeping M.
//!
//! Go: proc.go LockOSThread, stoplockedm, startlockedm. There a locked thread has one goroutine.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::goroutine::GRef;
use crate::core::m::enter::{NoPreempt, enter};
use crate::core::m::machine::M;
use crate::core::p::processor::P;
use crate::core::sched::idle::{acquire_p, detach_p, held_p, stop_m};
use crate::core::sched::schedt::SCHED;
use crate::core::sched::wake::hand_over;
use crate::core::sys::clock::nanotime;
use crate::core::sys::fatal::fatal;
use crate::ext::placement::idle_ms::Sleeper;
use crate::ext::placement::tied::{self, leave_to_others};
use crate::ext::preempt::handoff::hand_off;
use crate::ext::preempt::sysmon;
use crate::ext::recording::emit;
use crate::ext::recording::record::Asleep;
use crate::ext::threads::allm;
use crate::ext::timers::last_awake::check_if_last;

/// Wires the calling goroutine to its thread. Calls nest.
#[track_caller]
pub(crate) fn lock() {
    let rt = enter();
    let Some(m) = rt.m() else { return };
    let g = rt.current();
    let count = g.locked_count.get();
    let Some(more) = count.checked_add(1) else {
        drop(rt);
        panic!("LockOSThread nesting overflow");
    };
    g.locked_count.set(more);
    if count == 0 {
        g.locked_m.set(Some(m.id));
        m.add_locked();
    }
}

/// For a wait in a call that promises to return on its thread: wires the goroutine to it, unless
/// it is, until the guard is dropped.
pub(crate) fn lock_to_wait(rt: &NoPreempt) -> Option<LockedToWait> {
    let free = rt.m().is_some() && rt.current().locked_count.get() == 0;
    free.then(|| {
        lock();
        LockedToWait
    })
}

/// The calling goroutine stays on its thread.
#[must_use]
#[derive(Debug)]
pub(crate) struct LockedToWait;

impl Drop for LockedToWait {
    fn drop(&mut self) {
        unlock();
    }
}

/// Undoes one `lock`. Without one, nothing.
pub(crate) fn unlock() {
    let rt = enter();
    let Some(m) = rt.m() else { return };
    let g = rt.current();
    let count = g.locked_count.get();
    if count > 0 {
        g.locked_count.set(count - 1);
    }
    if count == 1 {
        g.locked_m.set(None);
        m.remove_locked();
    }
}

/// In the loop of an M that runs only those who need its thread, after one of them has given the
/// CPU up: the next one. Sleeps until there is one; `m` has a P when this returns.
pub(crate) fn wait_for_own(m: &'static M) -> GRef {
    if m.p().is_some() {
        if let Some(g) = one_more(m) {
            return g;
        }
        hand_off(detach_p(m, held_p(m)));
    }
    let sched = SCHED.lock();
    let owed = leave_to_others(&sched, m);
    sched.push_waiting_for_own(m);
    drop(sched);
    owed.pay();
    check_if_last();
    emit::m_sleeps_for(m, Asleep::Own);
    m.note.sleep();
    emit::m_wakes(m);
    match m.next_p.take() {
        Some(p) => acquire_p(m, p),
        None => fatal!("locked m{} was woken without a P", m.id),
    }
    m.affinity.had_turn.store(false, Relaxed);
    let own = tied::next_locked(&SCHED.lock(), m);
    match own {
        Some(g) => g,
        None => fatal!("locked m{} was woken for nobody", m.id),
    }
}

/// With its P, `m` runs one goroutine more of its own at once. Not a third in a row: others want
/// the P, which looks at no other queue meanwhile, and has timers.
fn one_more(m: &'static M) -> Option<GRef> {
    if m.affinity.queue.is_empty()
        || SCHED.stopping.peek()
        || m.affinity.had_turn.swap(true, Relaxed)
    {
        return None;
    }
    tied::next_locked(&SCHED.lock(), m)
}

/// Called by the M that picked a goroutine that is locked to another: gives its P to that one, and
/// sleeps. If that one is awake it will look at its queue by itself: it is about to fall asleep, or
/// runs another that needs its thread.
pub(crate) fn start_owner(m: &'static M, g: GRef, inherit: bool) {
    let Some(owner) = g.locked_m.get().and_then(allm::m_by_id) else {
        fatal!("goroutine {} is locked to a thread that is gone", g.id());
    };
    let p = held_p(m);
    if inherit && had_its_slice(&p) {
        SCHED.lock().push_global(g);
        return;
    }
    let sched = SCHED.lock();
    owner.affinity.queue.push_back(g);
    let taken = sched.take_asleep(owner);
    drop(sched);
    if taken == Sleeper::Taken {
        hand_over(owner, detach_p(m, p), false);
        stop_m(m);
    }
}

/// Goroutines that ready each other inherit a time slice. Those that are locked change threads for
/// it, and each of those counts a new schedtick, so sysmon sees no slice that gets too long: here
/// it is seen. Returns `true` if others wait and the slice is over.
fn had_its_slice(p: &P) -> bool {
    let (tick, now) = (p.schedtick.get(), nanotime());
    let before = p.locked_tick.get();
    p.locked_tick.set(tick);
    // Nobody has had the P in between but the one that was handed it at that tick.
    if tick.wrapping_sub(before) > 1 {
        p.locked_since.set(now);
    }
    let over = now - p.locked_since.get() >= sysmon::slice();
    if over {
        p.locked_since.set(now);
    }
    over && SCHED.has_work_for(p)
}
