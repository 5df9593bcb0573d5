//! The M's loop: pick a goroutine, run it, do what it asks for.
//!
//! Go: proc.go schedule, execute, mstart1, park_m, gosched_m, goexit0.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::g::context::{self, Switch};
use crate::g::goroutine::GRef;
use crate::g::status::Enqueue;
use crate::m::current::set_this_m;
use crate::m::machine::M;
use crate::queue::local::Picked;
use crate::sched::exit;
use crate::sched::find::{find_runnable, put_back_global, put_back_local};
use crate::sched::idle;
use crate::sched::ready::spill;
use crate::sched::state::SCHED;
use crate::sched::wake::wakep;
use crate::stack::overflow;
use crate::sys::fatal::fatal;
use crate::sys::thread::{exact_timeouts, gettid};

/// What every M's thread runs. Go: mstart1.
pub(crate) fn m_start(m: &'static M) -> ! {
    set_this_m(m);
    m.tid.store(gettid(), Relaxed);
    exact_timeouts();
    let _signal_stack = match overflow::install_altstack() {
        Ok(stack) => stack,
        Err(e) => fatal!("no signal stack for m{}: {e:?}", m.id),
    };
    idle::wait_for_p(m);
    loop {
        let picked = find_runnable(m);
        if m.spinning.load(Relaxed) {
            stop_spinning_with_work(m);
        }
        execute(m, &picked);
    }
}

/// last-spinner (README): I found work, so I owe one wake-up. Go: resetspinning.
#[cold]
fn stop_spinning_with_work(m: &'static M) {
    m.spinning.store(false, Relaxed);
    SCHED.idle.stop_spinning();
    wakep();
}

/// Runs one goroutine until it gives the M up.
#[inline]
fn execute(m: &'static M, picked: &Picked) {
    let g = picked.g;
    let (p, holds) = idle::held_p(m);
    if !picked.inherit {
        p.schedtick
            .store(p.schedtick.load(Relaxed).wrapping_add(1), Relaxed);
    }
    let slot = match g.stack.load(Relaxed) {
        Some(slot) => slot,
        None => exit::bind_stack(p, &holds, g),
    };
    g.status.run();
    g.last_m.store(m.id, Relaxed);
    m.set_curg(Some(g));
    let switch = context::resume(g, slot);
    m.set_curg(None);
    match switch {
        Switch::Yield => {
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
        Switch::Done => {
            let (p, holds) = idle::held_p(m);
            exit::recycle(p, &holds, g, slot);
        }
        Switch::LostP => fatal!("m{} lost its P", m.id),
    }
}

/// A waker came before the commit: what it would have done is mine to do.
#[cold]
fn readied_early(m: &'static M, g: GRef) {
    let (p, holds) = idle::held_p(m);
    p.runq.put_next(&holds, g, spill);
    wakep();
}
