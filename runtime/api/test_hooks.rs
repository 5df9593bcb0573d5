//! What the tests of this package ask, and what they break on purpose.
//!
//! `__inside` and `__preempt_soon` would let anybody break the rules of the inside of the runtime from
//! safe code. So they are not in release builds, unless `--cfg gosched_test` says otherwise, as
//! `.cargo/config.toml` does for this package's own.
#![forbid(unsafe_code)]

use crate::core::m::current::this_m;
#[cfg(any(debug_assertions, gosched_test))]
use crate::core::m::enter::enter;
use crate::ext::allgs;
use crate::ext::linux::thread_stack;
#[cfg(any(debug_assertions, gosched_test))]
use crate::ext::preempt::pending::SLICE_OVER;
use crate::ext::threads::allm;

/// For tests: how many objects of each kind there are, whoever has them, and how many of them are
/// free. What is used again does not grow; what is not, leaks.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct __Objects {
    pub ms: usize,
    pub ms_free: usize,
    pub gs: usize,
    pub stacks: usize,
    pub stacks_free: usize,
    pub thread_stacks: usize,
    pub thread_stacks_taken: usize,
}

#[doc(hidden)]
pub fn __objects() -> __Objects {
    let (ms, ms_free) = allm::counts();
    let (thread_stacks, thread_stacks_taken) = thread_stack::counts();
    let stacks = crate::ext::stackalloc::stats();
    __Objects {
        ms,
        ms_free,
        gs: allgs::count(),
        stacks: stacks.fresh,
        stacks_free: stacks.free,
        thread_stacks,
        thread_stacks_taken,
    }
}

/// For tests: is the calling thread inside the runtime, where nothing may be allocated?
#[doc(hidden)]
pub fn __in_runtime() -> bool {
    this_m().is_some_and(|m| m.retake.depth() != 0)
}

/// For tests that break the rules on purpose: runs `f` inside the runtime.
#[cfg(any(debug_assertions, gosched_test))]
#[doc(hidden)]
pub fn __inside<R>(f: impl FnOnce() -> R) -> R {
    let _rt = enter();
    f()
}

/// For tests: the calling goroutine will be preempted on its next way out of the runtime, as if it
/// had been asked to while it was inside.
#[cfg(any(debug_assertions, gosched_test))]
#[doc(hidden)]
pub fn __preempt_soon() {
    if let Some(m) = this_m() {
        m.pending.ask(SLICE_OVER);
    }
}
