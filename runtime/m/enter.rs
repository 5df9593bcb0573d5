//! The door into the runtime: code that holds a [`NoPreempt`] is never preempted.
//!
//! Inside: no allocation, no free, no lock that user code can hold, no user code, bounded work.
//! A goroutine that was stopped in the middle of `malloc` by preemption keeps malloc's lock; an
//! M that waits for it inside the runtime would wait with the only P (`docs/preemption.md`).
//!
//! Go: acquirem, releasem; `entersyscall`'s counterpart is in `sched/handoff.rs`.
#![allow(unsafe_code, reason = "makes the evidence HoldsP out of the M's word")]

use std::marker::PhantomData;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::compiler_fence;

use crate::g::context::{Switch, suspend};
use crate::g::goroutine::GRef;
use crate::m::current::this_m;
use crate::m::foreign::foreign_g;
use crate::m::machine::M;
use crate::m::words::Entry;
use crate::p::processor::P;
use crate::queue::owner::HoldsP;
use crate::sys::fatal::fatal;
use crate::sys::lock::RawLock;

/// Evidence: the calling thread is in the runtime. On a thread that is not the runtime's it
/// stands for nothing but is needed all the same, so that one code serves both.
#[derive(Debug)]
#[must_use]
pub(crate) struct NoPreempt {
    m: Option<&'static M>,
    not_send: PhantomData<*mut ()>,
}

/// Enters the runtime from user code.
#[inline]
pub(crate) fn enter() -> NoPreempt {
    let m = this_m();
    match m {
        Some(m) => NoPreempt {
            m: Some(enter_m(m)),
            not_send: PhantomData,
        },
        None => NoPreempt {
            m,
            not_send: PhantomData,
        },
    }
}

#[inline]
fn enter_m(m: &'static M) -> &'static M {
    m.words.enter();
    compiler_fence(SeqCst); // the thief's membarrier makes it a fence of the CPU: m/words.rs
    if m.words.disturbed() {
        enter_disturbed(m)
    } else {
        m
    }
}

/// A thief was here. With the P gone, the M's loop finds another, or another M resumes us.
#[cold]
#[inline(never)]
fn enter_disturbed(m: &'static M) -> &'static M {
    let outermost = m.words.depth() == 1;
    match (outermost, m.curg()) {
        (true, Some(g)) if m.words.resolve() == Entry::Lost => {
            m.set_p(None);
            suspend(g, Switch::LostP);
            match this_m() {
                Some(m) => m,
                None => fatal!("resumed on a thread that is not the runtime's"),
            }
        }
        _ => m,
    }
}

/// A preemption was asked for while we were inside: here is where it happens.
#[cold]
#[inline(never)]
fn leave_pending() {
    let rt = enter();
    let Some(m) = rt.forget() else { return };
    m.pending.store(false, Relaxed);
    if let Some(g) = m.curg()
        && m.words.depth() == 1
    {
        suspend(g, Switch::Preempted);
    }
    drop(NoPreempt::resumed(this_m()));
}

impl NoPreempt {
    /// The evidence of a goroutine that the scheduler's loop has just resumed.
    #[inline]
    pub(crate) fn resumed(m: Option<&'static M>) -> NoPreempt {
        NoPreempt {
            m,
            not_send: PhantomData,
        }
    }

    /// The M, if the caller is one: then it holds a P.
    #[inline]
    pub(crate) fn m(&self) -> Option<&'static M> {
        self.m
    }

    /// The P of the calling goroutine's M, with the evidence that it may be used.
    #[inline]
    pub(crate) fn p(&self) -> Option<(&'static P, HoldsP)> {
        // SAFETY: an M in the runtime keeps its P until it gives it away itself.
        self.m?.p().map(|p| (p, unsafe { HoldsP::assume() }))
    }

    /// The calling goroutine; on a plain thread its own pseudo-G.
    #[inline]
    pub(crate) fn current(&self) -> GRef {
        match self.m {
            Some(m) => match m.curg() {
                Some(g) => g,
                None => fatal!("no goroutine on m{}", m.id),
            },
            None => foreign_g(),
        }
    }

    /// Takes a runtime lock: only inside the runtime.
    #[inline]
    pub(crate) fn lock<'a>(&'a self, lock: &'a RawLock) -> Locked<'a> {
        lock.lock();
        Locked(lock)
    }

    /// Gives the evidence up without leaving: the scheduler's loop leaves on its own.
    pub(crate) fn forget(self) -> Option<&'static M> {
        let m = self.m;
        std::mem::forget(self);
        m
    }
}

impl Drop for NoPreempt {
    #[inline]
    fn drop(&mut self) {
        if let Some(m) = self.m {
            compiler_fence(SeqCst); // the handler runs on this thread
            m.words.leave();
            compiler_fence(SeqCst);
            if m.pending.load(Relaxed) && m.words.depth() == 0 {
                leave_pending();
            }
        }
    }
}

/// A held runtime lock.
#[derive(Debug)]
#[must_use]
pub(crate) struct Locked<'a>(&'a RawLock);

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.unlock();
    }
}
