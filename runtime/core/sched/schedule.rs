//! The M's loop: pick a goroutine, run it, do what it asks for.
//!
//! Go: proc.go schedule, execute, mstart1, park_m, gosched_m, goexit0.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::context::{self, Switch};
use crate::core::g::goroutine::GRef;
use crate::core::g::status::Enqueue;
use crate::core::hooks::{self, Next};
use crate::core::m::current::set_this_m;
use crate::core::m::machine::M;
use crate::core::p::run_queue::Picked;
use crate::core::sched::exit;
use crate::core::sched::find::{find_runnable, put_back_global, put_back_local};
use crate::core::sched::idle;
use crate::core::sched::ready::spill;
use crate::core::sched::schedt::SCHED;
use crate::core::sched::starved;
use crate::core::sched::threads;
use crate::core::sched::wake::wakep;
use crate::core::sys::thread::{exact_timeouts, gettid};

/// What every M's thread runs. Go: mstart.
pub(crate) fn m_start(m: &'static M) {
    m.tls_ranges.take(context::DISTANCE);
    context::call_at_distance(&mut || m_loop(m));
}

/// The thread's life. Go: mstart1, schedule.
fn m_loop(m: &'static M) {
    m.set_up(gettid());
    threads::count_thread();
    exact_timeouts();
    let Some(_signal_stack) = hooks::m_starts(m) else {
        threads::thread_failed(m);
        return;
    };
    set_this_m(Some(m)); // inside the runtime from here on: what may allocate is done
    if threads::thread_is_up(m) {
        idle::wait_for_p(m);
    }
    hooks::m_is_up();
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

/// Runs the picked goroutine. While a goroutine is locked to this M, runs only those that need
/// its thread.
fn run(m: &'static M, picked: &Picked) -> Life {
    let mut g = picked.g;
    let mut inherit = picked.inherit;
    if !hooks::may_run(m, g, inherit) {
        return Life::GoesOn;
    }
    loop {
        execute(m, g, inherit);
        match hooks::after(m, g) {
            Next::Anybody => return Life::GoesOn,
            Next::Only(next) => g = next,
            Next::Nobody => return Life::Over,
        }
        inherit = false;
    }
}

/// last-spinner (README): I found work, so I owe one wake-up. Go: resetspinning.
#[cold]
fn stop_spinning_with_work(m: &'static M) {
    m.spinning.store(false, Relaxed);
    SCHED.idle.stop_spinning();
    wakep();
}

/// Whether the M's thread continues.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    GoesOn,
    /// A goroutine has ended locked to it, and no other goroutine needs it: the thread ends.
    Over,
}

/// Runs one goroutine until it gives up the M.
#[inline]
fn execute(m: &'static M, g: GRef, inherit: bool) {
    let p = idle::held_p(m);
    if !inherit {
        p.begin_slice();
        m.pending.clear(); // it belongs to the slice: whoever inherits that owes it
    }
    if g.stack.load(Relaxed).is_none() {
        if !exit::bind_stack(p.lend(), g) {
            starved::put_aside(g);
            return;
        }
        hooks::starts(g);
    }
    g.status.run();
    g.last_m.store(m.incarnation(), Relaxed);
    m.set_curg(Some(g));
    m.affinity.left_last.store(Some(g), Relaxed);
    let switch = loop {
        hooks::before_switch(m, g);
        let switch = context::resume(g);
        if hooks::after_switch(m, g, switch) {
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
            let p = idle::held_p(m);
            put_back_local(p.lend(), g);
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
    let p = idle::held_p(m);
    if g.locked_m.load(Relaxed) != 0 {
        m.remove_locked();
        m.set_ending();
    }
    m.affinity.left_last.store(None, Relaxed);
    exit::recycle(p.lend(), g);
}

/// A waker came before the commit, so this M enqueues the goroutine in its place.
#[cold]
fn readied_early(m: &'static M, g: GRef) {
    let p = idle::held_p(m);
    p.put_next(g, spill);
    wakep();
}
