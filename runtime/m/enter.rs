//! The door into the runtime: code that holds a [`NoPreempt`] is never preempted.
//!
//! Inside: no allocation, no free, no lock that user code can hold, no user code, bounded work.
//! A goroutine that was stopped in the middle of `malloc` by preemption keeps malloc's lock; an
//! M that waits for it inside the runtime would wait with the only P (`docs/preemption.md`).
//!
//! Go: acquirem, releasem; `entersyscall`'s counterpart is in `sched/handoff.rs`.
#![allow(unsafe_code, reason = "makes the evidence HoldsP out of the M's word")]

use std::marker::PhantomData;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::atomic::compiler_fence;

use crate::g::goroutine::GRef;
use crate::m::current::this_m;
use crate::m::foreign::foreign_g;
use crate::m::machine::M;
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
    if let Some(m) = m {
        m.in_rt.store(m.in_rt.load(Relaxed) + 1, Relaxed);
        compiler_fence(std::sync::atomic::Ordering::SeqCst); // the handler runs on this thread
    }
    NoPreempt {
        m,
        not_send: PhantomData,
    }
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
            compiler_fence(std::sync::atomic::Ordering::SeqCst);
            // Release pairs(in-rt): sysmon's look at the word after its membarrier.
            m.in_rt.store(m.in_rt.load(Relaxed) - 1, Release);
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
