//! The functions that the core calls and that need several extras, in the order in which they are
//! called. `core/hooks.rs` lists all functions of the extras that it calls.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::core::base::m_id::MAX_MS;
use crate::core::g::goroutine::GRef;
use crate::core::g::gqueue::GQueue;
use crate::core::m::current::{set_this_m, this_m};
use crate::core::m::enter::NoPreempt;
use crate::core::m::machine::M;
use crate::core::p::processor::P;
use crate::core::p::run_queue::{Slept, Source};
use crate::core::sched::idle;
use crate::core::sched::schedt::{SCHED, SchedGuard};
use crate::core::sched::schedule::{Next, m_start};
use crate::core::sys::clock::nanotime;
use crate::core::sys::fatal::fatal;
use crate::core::sys::note::Note;
use crate::ext::diagnostics::deadlock;
use crate::ext::diagnostics::exit_watcher;
use crate::ext::diagnostics::leaks;
use crate::ext::diagnostics::others;
use crate::ext::diagnostics::schedtrace;
use crate::ext::diagnostics::sigquit;
use crate::ext::growth::overflow;
use crate::ext::linux::coarse::set_coarse;
use crate::ext::linux::errno::Named;
use crate::ext::linux::inherited;
use crate::ext::linux::limits;
use crate::ext::linux::membarrier;
use crate::ext::linux::memory::Span;
use crate::ext::linux::signal::AltStack;
use crate::ext::linux::tasks::{exact_timeouts, gettid};
use crate::ext::linux::valgrind;
use crate::ext::net::{alone, poller};
use crate::ext::placement::locked_thread;
use crate::ext::placement::serve_refused::serve_refused;
use crate::ext::placement::tied;
use crate::ext::preempt::handoff;
use crate::ext::preempt::pending::SLICE_OVER;
use crate::ext::preempt::preempt_signal;
use crate::ext::preempt::sysmon::{self, DEFAULT_SLICE};
use crate::ext::recording::emit;
use crate::ext::settings::config::{self, Debug};
use crate::ext::settings::default_procs;
use crate::ext::stackalloc::cache::StackCache;
use crate::ext::stackalloc::{Class, Slot, StackError, start_guards_at};
use crate::ext::stackalloc::{depot, promise, quota};
use crate::ext::stopped::Bound;
use crate::ext::thread_locals::tls_guard;
use crate::ext::threads::distance::{DISTANCE, call_at_distance};
use crate::ext::threads::refused::patiently;
use crate::ext::threads::runtime_threads::NewThread;
use crate::ext::threads::spawner::{self, Duties};
use crate::ext::threads::{runtime_threads, starved, waiting_ps};
use crate::ext::timers::last_awake::check_if_last;
use crate::ext::timers::sched_timers;
use crate::ext::timers::timer_waiter::Woke;
use crate::ext::trace::file;

/// What the first `run` of the process fixes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// `None`: as many as CPUs can be used.
    pub(crate) procs: Option<u32>,
    pub(crate) class: Class,
    /// Of the goroutines that are a `run`'s main.
    pub(crate) main_class: Class,
    pub(crate) max_threads: u32,
    pub(crate) async_preempt: bool,
    pub(crate) debug: Debug,
    pub(crate) overflow_ending: overflow::Ending,
    pub(crate) leaks: bool,
    pub(crate) tls_guard: bool,
}

/// First of all. An error: there can be no stacks of this size.
pub(crate) fn configure(s: &Settings) -> Result<(), StackError> {
    promise::set_default_class(s.class);
    limits::restrain_malloc();
    if let Some(step) = s.debug.stack_guard {
        start_guards_at(step);
    }
    schedtrace::configure(s.debug.sched_trace, s.debug.sched_detail);
    preempt_signal::set_valve(!s.debug.valve_off);
    config::set_steady(s.debug.steady);
    leaks::want(s.leaks);
    if !s.tls_guard {
        tls_guard::switch_off();
    }
    patiently(|| depot::warm_up(s.class))
}

/// There are no Ps yet.
pub(crate) fn runtime_starts(s: &Settings) {
    promise::set_main_class(s.main_class);
    SCHED.max_ms.set(s.max_threads.min(MAX_MS as u32));
    if let Err(e) = overflow::install_handlers(deadlock::describe_owner, s.overflow_ending) {
        fatal!("cannot catch stack overflows: {e:?}");
    }
    if let Err(e) = sigquit::install(runtime_threads::wake_spawner) {
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

/// How many Ps: if nobody says, as many as CPUs can be used.
pub(crate) fn procs_at_start(s: &Settings) -> u32 {
    let n = s
        .procs
        .unwrap_or_else(|| default_procs::at_start(!s.debug.fixed_procs));
    quota::set_kept(n as usize * StackCache::CAP);
    n
}

/// There are Ps, and threads from now on.
pub(crate) fn runtime_has_started(s: &Settings) {
    let tick = s.debug.sched_tick;
    SCHED.ps().for_each(|p| p.schedtick.set(tick));
    inherited::remember_signals();
    set_coarse(nanotime());
    file::record_as_asked(&s.debug);
    spawner::start(Duties {
        entry: m_start,
        check_if_last,
        stacks: starved::see_to,
        serve: serve_refused,
    });
    others::prepare();
    sysmon::start(s.debug.slice.unwrap_or(DEFAULT_SLICE));
}

/// An M's thread has begun: runs its loop where thread-locals are far.
pub(crate) fn on_thread(m: &'static M, m_loop: &mut dyn FnMut()) {
    m.tls_ranges.take(DISTANCE);
    call_at_distance(m_loop);
}

/// What an M's thread has for as long as it lives; none, and it cannot be an M.
pub(crate) fn m_starts(m: &'static M) -> Option<AltStack> {
    m.set_up(gettid());
    runtime_threads::count_thread();
    exact_timeouts();
    exit_watcher::is_ours();
    let Ok(signal_stack) = patiently(overflow::install_altstack) else {
        runtime_threads::thread_failed(m);
        return None;
    };
    m.alt_stack.set(signal_stack.bottom());
    inherited::take_signals(preempt_signal::enabled().then_some(libc::SIGURG));
    Some(signal_stack)
}

/// In the loop: the P that it was made for, if somebody waits. Others wait for an M that comes up;
/// those who compute need not.
pub(crate) fn m_is_up(m: &'static M) {
    if runtime_threads::thread_is_up(m) == NewThread::HasP {
        idle::wait_for_p(m);
    }
    inherited::run_behind();
}

/// Timers of the own P that are due run. Returns `true` if some were due.
#[inline]
pub(crate) fn run_own_due(rt: &NoPreempt, m: &'static M, p: &'static P) -> bool {
    let fired = sched_timers::run_due(rt, p, true);
    if fired {
        m.pending.done(SLICE_OVER); // who comes in by a timer has had no part in the slice
    }
    fired
}

/// Is the slice over that a goroutine would inherit?
#[inline]
pub(crate) fn slice_is_over(p: &P) -> bool {
    p.slice_is_over()
}

/// The M has nothing to do, and there is no timer waiter yet: it becomes the timer waiter, unless
/// there are no timers, and nobody waits for a descriptor; or another M will look.
pub(crate) fn wait_for_timers(m: &'static M) -> Slept {
    if waiting_ps::any() || alone::another_will_look() || !SCHED.timer_waiter.try_take() {
        return Slept::NotForTimers;
    }
    m.affinity.sleeps_for_timers.set(true);
    // pairs(affinity): send_home; a fence follows in `sleep`, then a look at the queue.
    // And there may be a P without an M, for which there is no thread: core/sched/README.md#refused.
    let earliest = || match m.affinity.queue.is_empty() && !waiting_ps::any() {
        true => sched_timers::earliest(),
        false => Some(0),
    };
    let ready = GQueue::new();
    let doze = |note: &Note, until| poller::doze(m, note, until, &ready);
    let woke = SCHED.timer_waiter.sleep(nanotime, earliest, doze);
    m.affinity.sleeps_for_timers.set(false);
    match woke {
        Woke::NoTimers => Slept::NotForTimers,
        Woke::Due => poller::slept(m, &ready),
    }
}

/// May this M run this goroutine, which it has picked? If not, whoever may has our P now, or does
/// not need it.
#[inline]
pub(crate) fn may_run(m: &'static M, g: GRef, inherit: bool) -> bool {
    if g.bound_m.get().is_some() {
        match preempt_signal::resume_bound(m, g) {
            Bound::Asleep | Bound::Running => return false,
            Bound::Runnable => (),
        }
    }
    let locked = g.locked_m.get();
    if locked.is_some_and(|owner| owner != m.id) {
        locked_thread::start_owner(m, g, inherit);
        return false;
    }
    if !tls_guard::may_resume(m, g) {
        tied::send_home(m, g);
        return false;
    }
    !(tls_guard::should_step_aside(m, g) && tied::step_aside(m, g))
}

/// A slice begins with the next goroutine.
#[inline]
pub(crate) fn slice_begins(m: &'static M) {
    m.pending.clear(); // it belongs to the slice: whoever inherits that owes it
}

/// A goroutine that has waited is back on its stack, maybe on another thread: it leaves the runtime.
#[inline]
pub(crate) fn leave_after_switch(rt: NoPreempt) {
    let stale = rt.m().is_some_and(|m| m.affinity.stale.load(Relaxed));
    drop(rt);
    if stale {
        take_window();
    }
}

/// A module was loaded. This runs in user code, since it takes the dynamic linker's lock. It runs
/// on the thread of the current M, which may be another M than before the goroutine left the
/// runtime.
#[cold]
#[inline(never)]
fn take_window() {
    if let Some(m) = this_m()
        && m.affinity.stale.swap(false, Relaxed)
    {
        m.tls_ranges.take(DISTANCE);
    }
}

/// `g` has left `m`: is a goroutine locked to `m`, or was one?
#[inline]
pub(crate) fn after(m: &'static M, g: GRef) -> Next {
    m.blocking.set(false);
    if !m.is_exclusive() {
        return Next::Anybody;
    }
    if m.is_ending() && end_thread(m, g) {
        return Next::Nobody;
    }
    let next = locked_thread::wait_for_own(m);
    emit::picked(Source::OwnThread);
    Next::Only(next)
}

/// The thread was a goroutine's own that has ended, and may be in any state: it ends, unless
/// another goroutine still depends on it. Then (false) it runs that one, and nobody else, until it
/// does not any more. `last` has just left its stack here. Go: gdestroy, mexit.
#[cold]
fn end_thread(m: &'static M, last: GRef) -> bool {
    if m.p().is_some() {
        handoff::hand_off(idle::detach_p(m, idle::held_p(m)));
    }
    if tls_guard::is_needed(m, last) || !runtime_threads::leave_books(m) {
        return false;
    }
    tls_guard::keep_counts(m);
    set_this_m(None); // destructors of thread-locals may use our primitives, as on any thread
    runtime_threads::let_go(m);
    check_if_last();
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

/// A P that waits for a thread goes to an M that would fall asleep.
pub(crate) fn p_that_waits(sched: &SchedGuard, m: &'static M) -> Option<&'static P> {
    // Who steps aside has just put one there, for somebody else.
    if m.affinity.stepped_aside.get() {
        return None;
    }
    let p = waiting_ps::take_for(sched, m);
    if m.spinning.get() {
        emit::spins(m, true);
    }
    p
}

/// No M is idle: `p` waits for a thread that is made, or becomes free.
pub(crate) fn start_thread(sched: SchedGuard, p: &'static P, spinning: bool) {
    waiting_ps::push(&sched, p, spinning);
    drop(sched);
    runtime_threads::wake_spawner();
}

/// The last idle M is being taken: there is to be another one.
pub(crate) fn wants_spare() -> bool {
    SCHED.wants_spare()
}

/// A coroutine begins on this stack.
pub(crate) fn begin_stack(slot: &Slot) {
    valgrind::begin_stack(Span::between(slot.limit(), slot.end()));
}
