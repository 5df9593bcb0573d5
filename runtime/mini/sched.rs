//! What all Ms of a `run` share, and the one way back into a queue.
//!
//! The full runtime: `runtime/sched/state.rs`, `runtime/sched/ready.rs`. Go: runtime2.go schedt,
//! proc.go goready.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};

use crossbeam_deque::Injector;

use crate::g::GRef;
use crate::idle::Idle;
use crate::m::{M, this_m};
use crate::p::Shared;
use crate::status::Enqueue;

// [sched]
pub(crate) struct Sched {
    /// One of each P.
    pub(crate) ps: Vec<Shared>,
    /// Goroutines of no P: what has yielded; main at its start; what a plain thread wakes.
    pub(crate) global: Injector<GRef>,
    pub(crate) idle: Idle,
    /// Main has ended.
    over: AtomicBool,
}

impl Sched {
    pub(crate) fn new(ps: Vec<Shared>) -> Sched {
        Sched {
            ps,
            global: Injector::new(),
            idle: Idle::new(),
            over: AtomicBool::new(false),
        }
    }

    pub(crate) fn has_work(&self) -> bool {
        !self.global.is_empty() || self.ps.iter().any(|p| !p.is_empty())
    }

    /// Main has ended: all Ms leave their loops.
    pub(crate) fn end(&self) {
        self.over.store(true, Release); // pairs(over)
        self.idle.wake_all();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Acquire) // pairs(over): what main did is seen
    }
}
// [/sched]

// [ready]
/// Wakes a goroutine that has announced a park. By its one waker, after it has done for the
/// sleeper what that waits for.
pub(crate) fn ready(g: GRef) {
    if g.status.ready() == Enqueue::Mine {
        enqueue(g);
    }
}

/// A runnable goroutine goes in front of the caller's queue. A plain thread has none, and puts it
/// into the global one.
pub(crate) fn enqueue(g: GRef) {
    let sched = g.sched;
    match this_m().filter(|m| std::ptr::eq(m.sched, sched)) {
        Some(m) => m.p.put_next(m.shared(), g),
        None => sched.global.push(g),
    }
    sched.idle.wakep();
}

/// Back into the global queue, behind all others.
pub(crate) fn put_global(m: &M, g: GRef) {
    m.sched.global.push(g);
    m.sched.idle.wakep();
}
// [/ready]
