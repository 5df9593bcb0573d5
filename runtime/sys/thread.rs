//! Kernel threads: ids, yielding the CPU.
#![allow(unsafe_code, reason = "gettid, sched_yield")]

/// The kernel's id of the calling thread.
pub(crate) fn gettid() -> i32 {
    // SAFETY: no preconditions.
    unsafe { libc::gettid() }
}

/// Lets other threads of this CPU run. Go: osyield.
pub(crate) fn osyield() {
    // SAFETY: no preconditions.
    unsafe { libc::sched_yield() };
}
