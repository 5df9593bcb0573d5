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
use std::sync::OnceLock;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::compiler_fence;

use crate::core::g::context::{Switch, suspend};
use crate::core::g::goroutine::GRef;
use crate::core::m::current::this_m;
use crate::core::m::foreign::foreign_g;
use crate::core::m::machine::M;
use crate::core::m::pending::{SLICE_OVER, THREAD_WANTED};
use crate::core::m::retake::Entry;
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
enum Call {
    /// It returns on the thread that it was called on.
    Stays,
    /// It may wait, and so return on any.
    MayWait,
}

/// How a goroutine stops on the spot. The scheduler provides it, since it is above this file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stops {
    /// It has entered without its P: returns when it has one again.
    pub(crate) without_p: fn(&'static M, GRef),
    /// Its slice is over, or the world is being stopped: gives up its P if another M can take it,
    /// and returns when it has one again.
    pub(crate) slice_over: fn(&'static M, GRef),
}

static STOPS: OnceLock<Stops> = OnceLock::new();

/// Before the first M.
pub(crate) fn set_stops(stops: Stops) {
    STOPS.get_or_init(|| stops);
}

fn stops() -> &'static Stops {
    match STOPS.get() {
        Some(stops) => stops,
        None => fatal!("an M before the runtime was started"),
    }
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
fn enter_as(how: Call) -> NoPreempt {
    NoPreempt {
        m: this_m().map(|m| enter_m(m, how)),
        how,
        not_send: PhantomData,
    }
}

#[inline(always)]
fn enter_m(m: &'static M, how: Call) -> &'static M {
    m.retake.enter();
    compiler_fence(SeqCst); // the thief's membarrier makes it a fence of the CPU: core/m/retake.rs
    if m.retake.contested() {
        enter_disturbed(m, how)
    } else {
        m
    }
}

/// A thief is looking, or has taken the P.
#[cold]
#[inline(never)]
fn enter_disturbed(m: &'static M, how: Call) -> &'static M {
    let outermost = m.retake.depth() == 1;
    match (outermost, m.curg()) {
        (true, Some(g)) if m.retake.settle() == Entry::Lost => {
            m.set_p(None);
            without_p(m, g, how)
        }
        _ => m,
    }
}

/// The P is gone. Either the goroutine's own M waits for another P, or finds one; or the
/// goroutine leaves its stack, and any M resumes it. Returns the M that it is on then.
fn without_p(m: &'static M, g: GRef, how: Call) -> &'static M {
    match how {
        Call::Stays => {
            (stops().without_p)(m, g);
            m
        }
        Call::MayWait => {
            suspend(g, Switch::LostP);
            match this_m() {
                Some(m) => m,
                None => fatal!("resumed on a thread that is not the runtime's"),
            }
        }
    }
}

/// A request came while the thread was inside: it is handled here.
#[cold]
#[inline(never)]
fn leave_pending(how: Call) {
    let mut rt = enter_as(how);
    let Some(m) = rt.m else { return };
    if let Some(g) = m.curg()
        && m.retake.depth() == 1
    {
        match how {
            Call::Stays => {
                m.pending.done(SLICE_OVER);
                (stops().slice_over)(m, g);
            }
            Call::MayWait => {
                m.pending.clear();
                suspend(g, Switch::Preempted);
                rt.m = this_m();
            }
        }
    }
    drop(rt);
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
            m.retake.leave();
            compiler_fence(SeqCst);
            let asked = match self.how {
                Call::Stays => SLICE_OVER,
                Call::MayWait => SLICE_OVER | THREAD_WANTED,
            };
            if m.pending.is_asked(asked) && m.retake.depth() == 0 {
                leave_pending(self.how);
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
