//! The M: what an OS thread that runs goroutines carries with it.
//!
//! Ms are made once and never freed. The words that sysmon and the preemption handler share
//! with the M stand on their own cache lines.
//!
//! Go: runtime2.go m.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64};

use crate::base::atomic_ref::AtomicRef;
use crate::base::choice::Choice;
use crate::g::goroutine::{G, GRef};
use crate::g::list::GQueue;
use crate::p::processor::P;
use crate::sys::note::Note;
use crate::sys::tls::Window;

/// See `sched/README.md#handoff` for the words' protocol.
#[repr(align(128))]
#[derive(Debug)]
pub(crate) struct M {
    /// How deep the thread is in the runtime: 0 = user code. Written by its own thread only.
    pub(crate) in_rt: AtomicU32,
    /// A preemption was asked for while in the runtime: yield on the way out.
    pub(crate) pending: AtomicBool,
    /// The goroutine on this M.
    curg: AtomicRef<G>,
    /// The P this M holds.
    p: AtomicRef<P>,
    /// The P it is given when it is woken.
    pub(crate) next_p: AtomicRef<P>,
    /// Looking for work; counted in the idle word.
    pub(crate) spinning: AtomicBool,
    /// How it sleeps when it has nothing to do.
    pub(crate) note: Note,
    /// Neighbours in the list of idle Ms, and whether it is in it; under the scheduler's lock.
    pub(crate) idle_link: AtomicRef<M>,
    pub(crate) idle_prev: AtomicRef<M>,
    pub(crate) idle_listed: AtomicBool,
    /// Goroutines that run here and nowhere else, for now: see `sched/affinity.rs`.
    pub(crate) affinity: Affinity,
    /// Where its thread-locals are.
    pub(crate) window: Window,
    /// Next in the list of all Ms; set once.
    pub(crate) all_link: AtomicRef<M>,
    pub(crate) id: u32,
    /// The kernel's thread id, once the thread runs.
    pub(crate) tid: AtomicI32,
    choice: Choice,
}

/// What is tied to an M. The queue, `waits` and `kept_for` are under the scheduler's lock (the
/// queue's length and `kept_for` may be read by the M itself without); the counters are the M's.
#[derive(Debug)]
pub(crate) struct Affinity {
    pub(crate) queue: GQueue,
    /// The last goroutine came from the queue: the next one from elsewhere.
    pub(crate) had_turn: AtomicBool,
    /// The goroutine that left in the middle of a panic: the M runs nobody else.
    pub(crate) kept_for: AtomicRef<G>,
    /// ... is runnable.
    pub(crate) kept_ready: AtomicBool,
    /// Asleep without a P, for `kept_for`; not in the idle list.
    pub(crate) waits: AtomicBool,
    /// A module was loaded: the window is to be taken again.
    pub(crate) stale: AtomicBool,
    pub(crate) scans: AtomicU64,
    pub(crate) taints: AtomicU64,
    pub(crate) pins: AtomicU64,
}

impl Affinity {
    fn new() -> Affinity {
        Affinity {
            queue: GQueue::new(),
            had_turn: AtomicBool::new(false),
            kept_for: AtomicRef::none(),
            kept_ready: AtomicBool::new(false),
            waits: AtomicBool::new(false),
            stale: AtomicBool::new(false),
            scans: AtomicU64::new(0),
            taints: AtomicU64::new(0),
            pins: AtomicU64::new(0),
        }
    }
}

impl M {
    pub(crate) fn new(id: u32, seed: u64) -> M {
        M {
            in_rt: AtomicU32::new(1),
            pending: AtomicBool::new(false),
            curg: AtomicRef::none(),
            p: AtomicRef::none(),
            next_p: AtomicRef::none(),
            spinning: AtomicBool::new(false),
            note: Note::new(),
            idle_link: AtomicRef::none(),
            idle_prev: AtomicRef::none(),
            idle_listed: AtomicBool::new(false),
            affinity: Affinity::new(),
            window: Window::unknown(),
            all_link: AtomicRef::none(),
            id,
            tid: AtomicI32::new(0),
            choice: Choice::new(seed),
        }
    }

    #[inline]
    pub(crate) fn curg(&self) -> Option<GRef> {
        self.curg.load(Relaxed)
    }

    pub(crate) fn set_curg(&self, g: Option<GRef>) {
        self.curg.store(g, Relaxed);
    }

    #[inline]
    pub(crate) fn p(&self) -> Option<&'static P> {
        self.p.load(Relaxed)
    }

    pub(crate) fn set_p(&self, p: Option<&'static P>) {
        self.p.store(p, Relaxed);
    }

    pub(crate) fn choice(&self) -> &Choice {
        &self.choice
    }
}
