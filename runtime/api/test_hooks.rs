//! Hooks for the tests of this package: they read the inside of the runtime, or break its rules
//! on purpose.
//!
//! With `__inside` and `__preempt_soon`, safe code could break the rules of the runtime. So these
//! functions are not in release builds, except with `--cfg gosched_test`, which
//! `.cargo/config.toml` sets for this package's own builds.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::api::trace::Trace;
use crate::core::m::current::this_m;
#[cfg(any(debug_assertions, gosched_test))]
use crate::core::m::enter::enter;
use crate::core::sched::schedt::SCHED;
use crate::ext::allgs;
use crate::ext::linux::thread_stack;
use crate::ext::net::poll_desc;
#[cfg(any(debug_assertions, gosched_test))]
use crate::ext::preempt::pending::SLICE_OVER;
use crate::ext::threads::allm;
#[cfg(any(debug_assertions, gosched_test))]
use crate::ext::world::stop_world;

/// For tests: how many objects of each kind exist, used or free, and how many of them are free.
/// What is used again does not grow; what is not, leaks.
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
    /// The poller's of descriptors.
    pub records: usize,
    pub records_free: usize,
    /// Sides of records for which somebody waits, or whose turn somebody has.
    pub sides_in_use: usize,
    /// How many goroutines count as waiting for a descriptor.
    pub io_waiters: usize,
}

#[doc(hidden)]
pub fn __objects() -> __Objects {
    let (ms, ms_free) = allm::counts();
    let (thread_stacks, thread_stacks_taken) = thread_stack::counts();
    let stacks = crate::ext::stackalloc::stats();
    let (records, records_free, sides_in_use) = poll_desc::counts();
    __Objects {
        ms,
        ms_free,
        gs: allgs::count(),
        stacks: stacks.fresh,
        stacks_free: stacks.free,
        thread_stacks,
        thread_stacks_taken,
        records,
        records_free,
        sides_in_use,
        io_waiters: SCHED.io_waiters.load(Relaxed) as usize,
    }
}

/// For tests: how many records could not be put in order, as others are missing before them.
#[doc(hidden)]
pub fn __left_out(trace: &Trace) -> usize {
    trace.left_out()
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

/// For tests: calls `f`, and nobody else can stop the world meanwhile.
#[cfg(any(debug_assertions, gosched_test))]
#[doc(hidden)]
pub fn __with_turn_to_stop<R>(f: impl FnOnce() -> R) -> R {
    let _turn = stop_world::take_turn();
    f()
}
