//! The door into the runtime: how code enters and leaves it. Code that holds a [`NoPreempt`] is
//! never preempted.
//!
//! Inside: no allocation, no free, no lock that user code can hold, no user code, bounded work. A
//! goroutine that preemption has stopped in the middle of `malloc` keeps malloc's lock; an M that
//! waited for this lock inside the runtime would keep its P, perhaps the only one
//! (`docs/preemption.md`).
//!
//! The P may have been taken before the goroutine enters, and its slice may be over when it
//! leaves. In a call that does not wait ([`enter`]) the goroutine then stops on the spot,
//! together with its thread, as in the preemption handler. So such calls return on the thread
//! that they came from, and no other goroutine runs there meanwhile. In a call that may wait
//! ([`enter_to_wait`]) the goroutine leaves its stack, which costs no thread.
//! `core/sched/README.md#door`.
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

/// Evidence: the calling thread is in the runtime. On a foreign thread it proves nothing, but
/// functions still take it, so that the same code works for both.
#[derive(Debug)]
#[must_use]
pub(crate) struct NoPreempt {
    m: Option<&'static M>,
    how: Call,
    not_send: PhantomData<*mut ()>,
}

/// What a public function promises its callers about threads.
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

    /// The calling goroutine; on a foreign thread its own G.
    #[inline]
    #[cfg_attr(not(feature = "ext"), track_caller)] // the core alone panics on a foreign thread
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
