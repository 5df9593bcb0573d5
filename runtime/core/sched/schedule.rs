//! The M's loop: pick a goroutine, run it, do what it asks for.
//!
//! Go: proc.go schedule, execute, mstart1, park_m, gosched_m, goexit0.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::context::{self, Switch};
use crate::core::g::goroutine::GRef;
use crate::core::g::status::{Bound, Enqueue};
use crate::core::m::current::set_this_m;
use crate::core::m::machine::M;
use crate::core::p::run_queue::Picked;
use crate::core::sched::exit;
use crate::core::sched::find::{find_runnable, put_back_global, put_back_local};
use crate::core::sched::idle;
use crate::core::sched::ready::spill;
use crate::core::sched::refused::patiently;
use crate::core::sched::schedt::SCHED;
use crate::core::sched::starved;
use crate::core::sched::threads;
use crate::core::sched::wake::wakep;
use crate::core::sys::thread::{exact_timeouts, gettid};
use crate::ext::diagnostics::exit_watcher;
use crate::ext::growth::overflow;
use crate::ext::linux::inherited;
use crate::ext::placement::locked_thread;
use crate::ext::placement::tied_gs;
use crate::ext::preempt::handoff;
use crate::ext::preempt::preempt_signal;
use crate::ext::thread_locals::tls_guard;

/// What every M's thread runs. Go: mstart.
pub(crate) fn m_start(m: &'static M) {
    m.window.take(context::DISTANCE);
    context::call_at_distance(&mut || m_loop(m));
}

/// The thread's life. Go: mstart1, schedule.
fn m_loop(m: &'static M) {
    m.set_up(gettid());
    threads::count_thread();
    exit_watcher::is_ours();
    exact_timeouts();
    let Ok(signal_stack) = patiently(overflow::install_altstack) else {
        threads::thread_failed(m);
        return;
    };
    m.alt_stack.store(signal_stack.bottom(), Relaxed);
    inherited::take_signals(preempt_signal::enabled().then_some(libc::SIGURG));
    set_this_m(Some(m)); // inside the runtime from here on: what may allocate is done
    if threads::thread_is_up(m) {
        idle::wait_for_p(m);
    }
    // Not before: while it comes up, others wait for it, and those who compute need not.
    inherited::run_behind();
    loop {
        if m.p().is_none() {
            idle::stop_m(m); // a spare, or its P went to the owner of a goroutine it had picked
        }
        let picked = find_runnable(m);
        if m.spinning.load(Relaxed) {
            stop_spinning_with_work(m);
        }
        if run(m, &picked) == Life::Over {
            return;
        }
    }
}

/// Runs what was picked, and as long as somebody is locked to this M, only those who need it.
fn run(m: &'static M, picked: &Picked) -> Life {
    let mut g = picked.g;
    if elsewhere(m, g, picked.inherit) {
        return Life::GoesOn;
    }
    if tls_guard::should_step_aside(m, g) && tied_gs::step_aside(m, g) {
        return Life::GoesOn;
    }
    let mut inherit = picked.inherit;
    loop {
        execute(m, g, inherit);
        if !m.is_exclusive() {
            return Life::GoesOn;
        }
        if m.is_ending() && end_thread(m, g) == Life::Over {
            return Life::Over;
        }
        g = locked_thread::wait_for_own(m);
        inherit = false;
    }
}

/// Was the goroutine's place another thread? Then that one has our P now, or does not need it.
#[inline]
fn elsewhere(m: &'static M, g: GRef, inherit: bool) -> bool {
    if g.bound_m.load(Relaxed) != 0 {
        match preempt_signal::resume_bound(m, g) {
            Bound::Asleep | Bound::Running => return true,
            Bound::Runnable => (),
        }
    }
    let locked = g.locked_m.load(Relaxed);
    if locked != 0 && locked != m.id + 1 {
        locked_thread::start_owner(m, g, inherit);
        return true;
    }
    if tls_guard::may_resume(m, g) {
        return false;
    }
    tied_gs::send_home(m, g);
    true
}

/// last-spinner (README): I found work, so I owe one wake-up. Go: resetspinning.
#[cold]
fn stop_spinning_with_work(m: &'static M) {
    m.spinning.store(false, Relaxed);
    SCHED.idle.stop_spinning();
    wakep();
}

/// Whether the M's thread goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    GoesOn,
    /// A goroutine has ended locked to it, and nobody else needs it: the thread ends.
    Over,
}

/// Runs one goroutine until it gives the M up.
#[inline]
fn execute(m: &'static M, g: GRef, inherit: bool) {
    let (p, holds) = idle::held_p(m);
    if !inherit {
        p.begin_slice();
        m.pending.clear(); // it belongs to the slice: whoever inherits that owes it
    }
    if g.stack.load(Relaxed).is_none() {
        if !exit::bind_stack(p, &holds, g) {
            starved::put_aside(g);
            return;
        }
        tls_guard::starts(g);
    }
    g.status.run();
    g.last_m.store(m.incarnation(), Relaxed);
    m.set_curg(Some(g));
    m.affinity.left_last.store(Some(g), Relaxed);
    let switch = loop {
        tls_guard::arrives(m, g);
        let switch = context::resume(g);
        if switch == Switch::Done {
            break switch;
        }
        if switch == Switch::LostP {
            tls_guard::overstayed(g);
        }
        tls_guard::leaves(m, g);
        if switch != Switch::LostP || !handoff::find_p_for(m, g) {
            break switch;
        }
    };
    m.set_curg(None);
    m.blocking.store(false, Relaxed);
    match switch {
        Switch::Yield | Switch::Preempted => {
            if switch == Switch::Preempted
                && let Some(p) = m.p()
            {
                p.begin_slice(); // who is next does not inherit one that is over
            }
            g.status.yielded();
            put_back_global(g);
            wakep();
        }
        Switch::YieldLocal => {
            g.status.yielded();
            let (p, holds) = idle::held_p(m);
            put_back_local(p, &holds, g);
        }
        Switch::Park => {
            if g.status.commit_park() == Enqueue::Mine {
                readied_early(m, g);
            }
        }
        Switch::Done => done(m, g),
        Switch::LostP => (), // queued; the loop finds that it has no P
    }
}

/// The body has ended. Go: goexit0.
#[inline]
fn done(m: &'static M, g: GRef) {
    let (p, holds) = idle::held_p(m);
    if g.locked_m.load(Relaxed) != 0 {
        m.remove_locked();
        m.set_ending();
    }
    m.affinity.left_last.store(None, Relaxed);
    exit::recycle(p, &holds, g);
}

/// The thread was a goroutine's own that has ended, and may be in any state: it ends, unless
/// another goroutine still depends on it. Then it runs that one, and nobody else, until it does
/// not any more. `last` has just left its stack here. Go: gdestroy, mexit.
#[cold]
fn end_thread(m: &'static M, last: GRef) -> Life {
    if let Some(p) = m.p() {
        idle::detach_p(m, p);
        handoff::hand_off(p);
    }
    if tls_guard::is_needed(m, last) || !threads::leave_books(m) {
        return Life::GoesOn;
    }
    tls_guard::keep_counts(m);
    set_this_m(None); // destructors of thread-locals may use our primitives, as on any thread
    threads::let_go(m);
    idle::check_if_last();
    Life::Over
}

/// A waker came before the commit: what it would have done is mine to do.
#[cold]
fn readied_early(m: &'static M, g: GRef) {
    let (p, holds) = idle::held_p(m);
    p.runq.put_next(&holds, g, spill);
    wakep();
}
