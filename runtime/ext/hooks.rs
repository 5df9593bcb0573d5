//! The functions of the extras that the core calls (`core/hooks.rs`): all in one file, in the
//! order in which they are called.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::context::Switch;
use crate::core::g::goroutine::GRef;
use crate::core::g::status::Bound;
use crate::core::m::current::set_this_m;
use crate::core::m::enter::set_stops;
use crate::core::m::machine::M;
use crate::core::sched::idle;
use crate::core::sched::refused::patiently;
use crate::core::sched::schedt::SCHED;
use crate::core::sched::threads;
use crate::core::sched::waiting_ps;
use crate::core::stackalloc::start_guards_at;
use crate::core::sys::clock::nanotime;
use crate::core::sys::errno::Named;
use crate::core::sys::fatal::fatal;
use crate::ext::diagnostics::deadlock;
use crate::ext::diagnostics::exit_watcher;
use crate::ext::diagnostics::schedtrace;
use crate::ext::diagnostics::sigquit;
use crate::ext::growth::overflow;
use crate::ext::linux::inherited;
use crate::ext::linux::membarrier;
use crate::ext::linux::signal::AltStack;
use crate::ext::placement::locked_thread;
use crate::ext::placement::tied;
use crate::ext::preempt::handoff;
use crate::ext::preempt::preempt_signal;
use crate::ext::preempt::sysmon::{self, DEFAULT_SLICE};
use crate::ext::settings::config::{self, Debug};
use crate::ext::settings::default_procs;
use crate::ext::thread_locals::tls_guard;
use crate::ext::timers::sched_timers;
use crate::ext::timers::timer_waiter::Woke;

/// What the first `run` of the process fixes for the extras.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) async_preempt: bool,
    pub(crate) debug: Debug,
    pub(crate) overflow_ending: overflow::Ending,
    pub(crate) tls_guard: bool,
}

/// First of all, before memory is reserved.
pub(crate) fn configure(s: &Settings) {
    if let Some(step) = s.debug.stack_guard {
        start_guards_at(step);
    }
    schedtrace::configure(s.debug.sched_trace, s.debug.sched_detail);
    preempt_signal::set_valve(!s.debug.valve_off);
    set_stops(preempt_signal::AT_DOOR);
    config::set_steady(s.debug.steady);
    if !s.tls_guard {
        tls_guard::switch_off();
    }
}

/// There are no Ps yet.
pub(crate) fn runtime_starts(s: &Settings) {
    if let Err(e) = overflow::install_handlers(deadlock::describe_owner, s.overflow_ending) {
        fatal!("cannot catch stack overflows: {e:?}");
    }
    if let Err(e) = sigquit::install(threads::wake_spawner) {
        fatal!("cannot catch SIGQUIT: {e}");
    }
    if s.async_preempt
        && !s.debug.steady
        && let Err(e) = preempt_signal::install()
    {
        fatal!("cannot catch SIGURG: {e}");
    }
    match membarrier::register() {
        Ok(()) => (),
        Err(errno @ (libc::ENOSYS | libc::EINVAL)) => fatal!(
            "this kernel has no expedited membarrier (Linux 4.14), which gosched needs: {}",
            Named(errno)
        ),
        Err(errno) => fatal!(
            "the system refuses membarrier, which gosched needs: {}; a seccomp filter?",
            Named(errno)
        ),
    }
}

/// As many Ps as there are usable CPUs: the program has not set a number.
pub(crate) fn procs_at_start(s: &Settings) -> u32 {
    default_procs::at_start(!s.debug.fixed_procs)
}

/// Before the spawner's start.
pub(crate) fn ps_are_made(s: &Settings) {
    let tick = s.debug.sched_tick;
    SCHED.ps().for_each(|p| p.schedtick.store(tick, Relaxed));
    inherited::remember_signals();
}

/// After the spawner's start.
pub(crate) fn runtime_has_started(s: &Settings) {
    sysmon::start(s.debug.slice.unwrap_or(DEFAULT_SLICE));
}

/// What an M's thread has for as long as it lives; none, and it cannot be an M.
pub(crate) fn m_starts(m: &'static M) -> Option<AltStack> {
    exit_watcher::is_ours();
    let signal_stack = patiently(overflow::install_altstack).ok()?;
    m.alt_stack.store(signal_stack.bottom(), Relaxed);
    inherited::take_signals(preempt_signal::enabled().then_some(libc::SIGURG));
    Some(signal_stack)
}

/// Others wait for an M that comes up; those who compute need not.
pub(crate) fn m_is_up() {
    inherited::run_behind();
}

/// The M has nothing to do, and there is no timer waiter yet: it becomes the timer waiter, unless
/// there are no timers. True: one is due.
pub(crate) fn wait_for_timers(m: &'static M) -> bool {
    if !SCHED.timer_waiter.try_take() {
        return false;
    }
    m.affinity.sleeps_for_timers.store(true, Relaxed);
    // pairs(affinity): send_home; a fence follows in `sleep`, then a look at the queue.
    // And there may be a P without an M, for which there is no thread: core/sched/README.md#refused.
    let earliest = || match m.affinity.queue.is_empty() && !waiting_ps::any() {
        true => sched_timers::earliest(),
        false => Some(0),
    };
    let woke = SCHED.timer_waiter.sleep(nanotime, earliest);
    m.affinity.sleeps_for_timers.store(false, Relaxed);
    match woke {
        Woke::NoTimers => false,
        Woke::Due => true,
    }
}

/// May this M run this goroutine, which it has picked? If not, whoever may has our P now, or does
/// not need it.
#[inline]
pub(crate) fn may_run(m: &'static M, g: GRef, inherit: bool) -> bool {
    if g.bound_m.load(Relaxed) != 0 {
        match preempt_signal::resume_bound(m, g) {
            Bound::Asleep | Bound::Running => return false,
            Bound::Runnable => (),
        }
    }
    let locked = g.locked_m.load(Relaxed);
    if locked != 0 && locked != m.id + 1 {
        locked_thread::start_owner(m, g, inherit);
        return false;
    }
    if !tls_guard::may_resume(m, g) {
        tied::send_home(m, g);
        return false;
    }
    !(tls_guard::should_step_aside(m, g) && tied::step_aside(m, g))
}

/// The goroutine's frames are about to be on this thread.
#[inline]
pub(crate) fn before_switch(m: &'static M, g: GRef) {
    tls_guard::arrives(m, g);
}

/// It has left the M. False: it had lost its P, and continues at once, with another.
#[inline]
pub(crate) fn after_switch(m: &'static M, g: GRef, switch: Switch) -> bool {
    if switch == Switch::Done {
        return true;
    }
    if switch == Switch::LostP {
        tls_guard::overstayed(g);
    }
    tls_guard::leaves(m, g);
    switch != Switch::LostP || !handoff::find_p_for(m, g)
}

/// Whom an M runs next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    Anybody,
    /// A goroutine needs this very thread.
    Only(GRef),
    /// A goroutine has ended locked to it, and no other goroutine needs it: the thread ends.
    Nobody,
}

/// `g` has left `m`: is a goroutine locked to `m`, or was one?
#[inline]
pub(crate) fn after(m: &'static M, g: GRef) -> Next {
    if !m.is_exclusive() {
        return Next::Anybody;
    }
    if m.is_ending() && end_thread(m, g) {
        return Next::Nobody;
    }
    Next::Only(locked_thread::wait_for_own(m))
}

/// The thread was a goroutine's own that has ended, and may be in any state: it ends, unless
/// another goroutine still depends on it. Then (false) it runs that one, and nobody else, until it
/// does not any more. `last` has just left its stack here. Go: gdestroy, mexit.
#[cold]
fn end_thread(m: &'static M, last: GRef) -> bool {
    if m.p().is_some() {
        handoff::hand_off(idle::detach_p(m, idle::held_p(m)));
    }
    if tls_guard::is_needed(m, last) || !threads::leave_books(m) {
        return false;
    }
    tls_guard::keep_counts(m);
    set_this_m(None); // destructors of thread-locals may use our primitives, as on any thread
    threads::let_go(m);
    idle::check_if_last();
    true
}

/// A foreign thread waits. It may have been the last one that could do anything.
pub(crate) fn foreign_falls_asleep(g: GRef) {
    exit_watcher::falls_asleep(g);
    deadlock::check();
}

/// No M is.
pub(crate) fn nobody_is_awake() {
    deadlock::check();
}
