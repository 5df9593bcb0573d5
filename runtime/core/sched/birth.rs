//! A prepared goroutine becomes runnable: it gets its id, and a place in front of the caller's
//! queue. This does not allocate, so a timer can do it.
//!
//! Go: proc.go newproc, the half of newproc1 that counts.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::goroutine::{GRef, Kind};
use crate::core::m::enter::NoPreempt;
use crate::core::p::processor::next_id_without_p;
use crate::core::sched::ready::enqueue_next;
use crate::core::sched::schedt::SCHED;

/// Counts `g`, which is dead and prepared, and returns its new id.
#[inline]
pub(crate) fn assign_id(rt: &NoPreempt, g: GRef) -> u64 {
    let counts = g.kind() == Kind::Goroutine;
    let id = match rt.p() {
        Some(p) => {
            if counts {
                p.created.store(p.created.load(Relaxed) + 1, Relaxed);
            }
            p.next_id()
        }
        None => {
            if counts {
                SCHED.created_outside.fetch_add(1, Relaxed);
            }
            next_id_without_p()
        }
    };
    g.id.store(id, Relaxed);
    id
}

/// Makes it runnable.
#[inline]
pub(crate) fn make_runnable(rt: &NoPreempt, g: GRef) {
    g.status.spawned();
    enqueue_next(rt, g);
}
