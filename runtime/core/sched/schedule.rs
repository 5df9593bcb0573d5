//! The M's loop: pick a goroutine, run it, do what it asks for.
//!
//! Go: proc.go schedule, execute, mstart1, park_m, gosched_m, goexit0.
#![forbid(unsafe_code)]

use crate::core::g::context::{self, Switch};
use crate::core::g::goroutine::GRef;
use crate::core::g::status::Enqueue;
use crate::core::hooks;
use crate::core::m::current::set_this_m;
use crate::core::m::machine::M;
use crate::core::p::run_queue::Picked;
use crate::core::sched::exit;
use crate::core::sched::find::{
    find_runnable, put_back_behind_all, put_back_local, whole_global,
};
use crate::core::sched::idle;
use crate::core::sched::park::spill;
use crate::core::sched::schedt::SCHED;
use crate::core::sched::wake::wakep;

/// What every M's thread runs. Go: mstart.
pub(crate) fn m_start(m: &'static M) {
    hooks::on_thread(m, &mut || m_loop(m));
}

/// The thread's life. Go: mstart1, schedule.
fn m_loop(m: &'static M) {
    let Some(_kept) = hooks::m_starts(m) else {
        return;
    };
    set_this_m(Some(m)); // inside the runtime from here on: what may allocate is done
    hooks::m_is_up(m);
    loop {
        if m.p().is_none() {
            idle::stop_m(m); // a spare, or its P went to the owner of a goroutine it had picked
        }
        let picked = find_runnable(m);
        if m.spinning.get() {
            stop_spinning_with_work(m);
        }
        if run(m, &picked) == Life::Over {
            return;
        }
    }
}

/// Whom an M runs next.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "without the extras: anybody")]
pub(crate) enum Next {
    Anybody,
    /// A goroutine needs this very thread.
    Only(GRef),
    /// A goroutine has ended locked to it, and nobody else needs it: the thread ends.
    Nobody,
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
    m.spins(false);
    SCHED.idle.stop_spinning();
    wakep();
}

/// Whether the M's thread continues.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    GoesOn,
    /// A goroutine has ended locked to it, and nobody else needs it: the thread ends.
    Over,
}

/// Runs one goroutine until it gives up the M.
#[inline]
fn execute(m: &'static M, g: GRef, inherit: bool) {
    let p = idle::held_p(m);
    if !inherit {
        p.begin_slice();
        hooks::slice_begins(m);
    }
    if g.stack.get().is_none() {
        if exit::bind_stack(p.lend(), g).is_none() {
            hooks::no_stack(g);
            return;
        }
        hooks::starts(g);
    }
    g.status.run();
    m.set_curg(Some(g));
    hooks::runs(m, g, inherit);
    let switch = loop {
        hooks::before_switch(m, g);
        let switch = context::resume(g);
        if hooks::after_switch(m, g, switch) {
            break switch;
        }
    };
    m.set_curg(None);
    match switch {
        Switch::Yield => {
            let p = idle::held_p(m);
            g.status.yielded();
            put_back_behind_all(p.lend(), g);
            wakep();
        }
        Switch::Preempted => {
            let p = idle::held_p(m);
            p.begin_slice(); // who is next does not inherit one that is over
            g.status.yielded();
            whole_global(p.lend()).push_global(g);
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
    exit::recycle(m, p.lend(), g);
}

/// A waker came before the commit, so this M enqueues the goroutine in its place.
#[cold]
fn readied_early(m: &'static M, g: GRef) {
    let p = idle::held_p(m);
    p.put_next(g, spill);
    wakep();
}
