//! The door into the runtime: code that holds a [`NoPreempt`] is never preempted.
//!
//! Inside: no allocation, no free, no lock that user code can hold, no user code, bounded work.
//! A goroutine that was stopped in the middle of `malloc` by preemption keeps malloc's lock; an
//! M that waits for it inside the runtime would wait with the only P (`docs/preemption.md`).
//!
//! Somebody may have taken the P before the goroutine comes in, and its slice may be over when it
//! goes out. In a call that does not wait ([`enter`]) it stops where it stands then, and its thread
//! with it, as in the preemption handler: so such calls return on the thread that they came from,
//! and no other goroutine runs there meanwhile. In a call that may wait ([`enter_to_wait`]) it
//! leaves its stack, which costs no thread. `core/sched/README.md#door`.
//!
//! Go: acquirem, releasem; `entersyscall`'s counterpart is in `ext/preempt/handoff.rs`.
#![allow(unsafe_code, reason = "makes the right to a P out of the M's word")]

use std::marker::PhantomData;

use crate::core::g::goroutine::GRef;
use crate::core::hooks;
use crate::core::m::current::this_m;
use crate::core::m::machine::M;
use crate::core::p::owner::HoldsP;
use crate::core::p::processor::HeldP;
use crate::core::sys::fatal::fatal;
use crate::core::sys::lock::RawLock;

/// Evidence: the calling thread is in the runtime. On a thread that is not the runtime's it
/// stands for nothing but is needed all the same, so that one code serves both.
#[derive(Debug)]
#[must_use]
pub(crate) struct NoPreempt {
    m: Option<&'static M>,
    how: Call,
    not_send: PhantomData<*mut ()>,
}

/// What the calling function promises its callers about threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// It returns on the thread that it was called on.
    Stays,
    /// It may wait, and so return on any.
    MayWait,
}

/// Enters the runtime from user code, in a call that does not wait.
#[inline]
pub(crate) fn enter() -> NoPreempt {
    enter_as(Call::Stays)
}

/// Enters the runtime from user code, in a call that may wait.
#[inline]
pub(crate) fn enter_to_wait() -> NoPreempt {
    enter_as(Call::MayWait)
}

#[inline(always)]
pub(crate) fn enter_as(how: Call) -> NoPreempt {
    NoPreempt {
        m: this_m().map(|m| hooks::enter(m, how)),
        how,
        not_send: PhantomData,
    }
}

impl NoPreempt {
    /// The evidence of a goroutine that the scheduler's loop has just resumed: it has waited.
    #[inline]
    pub(crate) fn resumed(m: Option<&'static M>) -> NoPreempt {
        NoPreempt {
            m,
            how: Call::MayWait,
            not_send: PhantomData,
        }
    }

    /// The M, if the caller is one: then it holds a P.
    #[inline]
    pub(crate) fn m(&self) -> Option<&'static M> {
        self.m
    }

    /// The P of the calling goroutine's M, with the right to use it.
    #[inline]
    pub(crate) fn p(&self) -> Option<HeldP> {
        // SAFETY: an M in the runtime keeps its P until it gives it away itself.
        self.m?
            .p()
            .map(|p| HeldP::new(p, unsafe { HoldsP::assume() }))
    }

    /// The calling goroutine; on a plain thread its own pseudo-G.
    #[inline]
    pub(crate) fn current(&self) -> GRef {
        match self.m {
            Some(m) => match m.curg() {
                Some(g) => g,
                None => fatal!("no goroutine on m{}", m.id),
            },
            None => hooks::foreign_g(),
        }
    }

    /// Takes a runtime lock: only inside the runtime.
    #[inline]
    pub(crate) fn lock<'a>(&'a self, lock: &'a RawLock) -> Locked<'a> {
        lock.lock();
        Locked(lock)
    }

    /// The evidence goes on as another M's: the goroutine has waited.
    pub(crate) fn moved(&mut self, m: Option<&'static M>) {
        self.m = m;
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
            hooks::leave(m, self.how);
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
