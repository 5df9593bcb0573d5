//! The M: what an OS thread that runs goroutines carries with it.
//!
//! Ms are made once and never freed. The words that sysmon and the preemption handler share
//! with the M stand on their own cache lines.
//!
//! Go: runtime2.go m.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize};

use crate::base::atomic_ref::AtomicRef;
use crate::base::choice::Choice;
use crate::g::goroutine::{G, GRef};
use crate::m::affinity::Affinity;
use crate::m::pending::Pending;
use crate::m::words::Words;
use crate::p::processor::P;
use crate::sys::note::Note;
use crate::sys::tls::Window;

/// `preempt_tick`: preempt whatever runs (the world is being stopped).
pub(crate) const PREEMPT_ANY: u64 = u64::MAX;

/// See `m/words.rs` for how its P can be taken from outside.
#[repr(align(128))]
#[derive(Debug)]
pub(crate) struct M {
    pub(crate) words: Words,
    /// Inside of an explicit `blocking()`: a hint for sysmon.
    pub(crate) blocking: AtomicBool,
    /// Its thread's CPU time when its P was taken from it.
    pub(crate) lost_cpu: AtomicU64,
    /// The schedtick of the P that sysmon wants preempted, or `PREEMPT_ANY`.
    pub(crate) preempt_tick: AtomicU64,
    /// What its goroutine is to do on its way out of the runtime.
    pub(crate) pending: Pending,
    /// Asleep in the preemption handler, with its goroutine stopped in user code.
    pub(crate) bound_asleep: AtomicBool,
    /// The goroutine that is locked to this M; written by its own thread.
    pub(crate) locked_g: AtomicRef<G>,
    /// Where its signal stack starts; 0 before the thread runs.
    pub(crate) alt_stack: AtomicUsize,
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
    /// It is in the list as one whose thread goroutines wait for.
    pub(crate) idle_needed: AtomicBool,
    pub(crate) affinity: Affinity,
    /// Where its thread-locals are.
    pub(crate) window: Window,
    pub(crate) id: u32,
    /// The kernel's thread id, once the thread runs.
    pub(crate) tid: AtomicI32,
    choice: Choice,
}

impl M {
    pub(crate) fn new(id: u32, seed: u64) -> M {
        M {
            words: Words::new(),
            blocking: AtomicBool::new(false),
            lost_cpu: AtomicU64::new(0),
            preempt_tick: AtomicU64::new(0),
            bound_asleep: AtomicBool::new(false),
            locked_g: AtomicRef::none(),
            alt_stack: AtomicUsize::new(0),
            pending: Pending::new(),
            curg: AtomicRef::none(),
            p: AtomicRef::none(),
            next_p: AtomicRef::none(),
            spinning: AtomicBool::new(false),
            note: Note::new(),
            idle_link: AtomicRef::none(),
            idle_prev: AtomicRef::none(),
            idle_listed: AtomicBool::new(false),
            idle_needed: AtomicBool::new(false),
            affinity: Affinity::new(),
            window: Window::unknown(),
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
