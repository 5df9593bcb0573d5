//! The scheduler's side of timers: arming a timer, and waking the goroutines of expired ones.
//!
//! Go: time.go maybeAdd, wakeNetPoller, check; proc.go checkTimersNoP, timeSleepUntil.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::goroutine::G;
use crate::core::g::wait_round::WaitId;
use crate::core::hooks;
use crate::core::m::enter::NoPreempt;
use crate::core::p::processor::P;
use crate::core::sched::park::ready;
use crate::core::sched::schedt::SCHED;
use crate::core::sched::spawn;
use crate::core::sched::wake::wakep;
use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::recording::emit;
use crate::ext::recording::record::Fires;
use crate::ext::stackalloc::StackSpec;
use crate::ext::stackalloc::quota;
use crate::ext::timers::expired::{Expired, ExpiredTimers};
use crate::ext::timers::heap::Armed;
use crate::ext::timers::runtime_timer::RuntimeTimer;
use crate::ext::timers::timer_state::NEVER;
use crate::ext::timers::timer_waiter::Told;

/// Left with the timer of a prepared goroutine: start it. No ticket is 0.
pub(crate) const BIRTH: u64 = 0;
/// The lower half of a word that is left with the timer of a goroutine that waits for a descriptor. No
/// ticket has such a case.
pub(crate) const IO: u64 = 0xffff;

/// Arms a timer, in the caller's heap if it is in none. Called by its hand. Returns `true` if it
/// was armed before.
pub(crate) fn arm(rt: &NoPreempt, node: &'static RuntimeTimer<G>, when: Nanos) -> bool {
    let armed = arm_in(rt, node, when);
    if armed.earlier && SCHED.timer_waiter.tell(when) == Told::Nobody {
        wakep(); // it becomes the sleeper, if it finds nothing else
    }
    armed.was_armed
}

/// Moves a timer that is armed. Called by its hand. Returns `false` if it is not armed; nothing has
/// changed then.
pub(crate) fn rearm(node: &'static RuntimeTimer<G>, when: Nanos) -> bool {
    let when = when.clamp(1, NEVER);
    let earlier = node.rearm_armed(when);
    if earlier == Some(true) && SCHED.timer_waiter.tell(when) == Told::Nobody {
        wakep();
    }
    earlier.is_some()
}

/// As [`arm`], for a goroutine that parks right after. If its M has nothing else to run, it
/// looks around itself: no need to get another one.
pub(crate) fn arm_and_park(rt: &NoPreempt, node: &'static RuntimeTimer<G>, when: Nanos) {
    let armed = arm_in(rt, node, when);
    if armed.earlier && SCHED.timer_waiter.tell(when) == Told::Nobody && has_more_to_run(rt) {
        wakep();
    }
}

/// A goroutine that waits for a descriptor is about to park: an M has to ask the kernel from now on.
pub(crate) fn tell_and_park(rt: &NoPreempt) {
    if SCHED.timer_waiter.tell(NEVER) == Told::Nobody && has_more_to_run(rt) {
        wakep();
    }
}

fn has_more_to_run(rt: &NoPreempt) -> bool {
    SCHED.global_len() != 0 || rt.p().is_some_and(|p| !p.runq.is_empty())
}

/// A foreign thread has no heap: it uses the first P's.
fn arm_in(rt: &NoPreempt, node: &'static RuntimeTimer<G>, when: Nanos) -> Armed {
    let p = rt.p().map(|p| p.p()).or_else(|| SCHED.p(0));
    match p {
        Some(p) => p.timers.arm(node, when),
        None => crate::core::sys::fatal::fatal!("timer armed before the runtime was started"),
    }
}

/// Does what is due in `p`'s heap, on behalf of the calling M, whose queue gets the woken. `local`:
/// `p` is its own. Returns `true` if something was due.
#[inline]
pub(crate) fn run_due(rt: &NoPreempt, p: &P, local: bool) -> bool {
    match p.timers.wake_time() {
        None => false,
        Some(_) => {
            let now = nanotime();
            p.timers.needs_look(now, local) && run_due_now(rt, p, local, now)
        }
    }
}

#[cold]
fn run_due_now(rt: &NoPreempt, p: &P, local: bool, now: Nanos) -> bool {
    let mut fires = ExpiredTimers::new();
    let mut ran = false;
    loop {
        p.timers.run_expired(now, local, &mut fires);
        if fires.is_empty() {
            return ran;
        }
        ran = true;
        fires.drain().for_each(|fire| act(rt, p, fire));
    }
}

/// `p`: in whose heap it was.
fn act(rt: &NoPreempt, p: &P, Expired { who, data }: Expired<G>) {
    if data == BIRTH {
        let class = who.stack_spec().class();
        who.set_stack_spec(StackSpec::new(class, quota::take_in_any_case(class)));
        spawn::assign_id(rt, who);
        emit::fired(who, Fires::Birth, p);
        spawn::make_runnable(rt, who);
        return;
    }
    if data & IO == IO {
        if let Some(g) = hooks::time_is_over(data) {
            emit::fired(g, Fires::Deadline, p);
            ready(rt, g);
        }
        return;
    }
    let (ticket, case) = WaitId::split(data);
    if who.wait_round.claim(ticket, case) {
        emit::fired(who, Fires::Wait, p);
        ready(rt, who);
    }
}

/// Some timer is due and was not run yet.
pub(crate) fn overdue(now: Nanos) -> bool {
    any_before(now)
}

/// Some timer is due at `when`, or earlier. It may have been stopped: `ext/net/README.md#alone`.
pub(crate) fn any_before(when: Nanos) -> bool {
    SCHED.ps().any(|p| is_overdue(p, when))
}

/// Of this P.
pub(crate) fn is_overdue(p: &P, now: Nanos) -> bool {
    p.timers.wake_time().is_some_and(|wake| wake <= now)
}

/// `p` has just become idle, and no M has looked at its timers: another M must know when its
/// timers are due, or that somebody waits for a descriptor. Go: handoffp, its end.
pub(crate) fn see_to(p: &P) {
    if let Some(when) = p.timers.wake_time().or_else(never_if_io)
        && SCHED.timer_waiter.tell(when) == Told::Nobody
    {
        wakep();
    }
}

/// Goroutines that wait for descriptors are like a timer that is never due: somebody has to sleep for
/// them.
fn never_if_io() -> Option<Nanos> {
    // Relaxed: ordered by the timer waiter's fences, as the heaps are.
    (SCHED.io_waiters.load(Relaxed) != 0).then_some(NEVER)
}

/// When the first timer of all is due; heaps of stopped ones are emptied on the way.
pub(crate) fn earliest() -> Option<Nanos> {
    SCHED
        .ps()
        .filter_map(|p| {
            p.timers.tidy();
            p.timers.wake_time()
        })
        .min()
        .or_else(never_if_io)
}
