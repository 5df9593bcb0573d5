//! Yielding the CPU.
#![allow(unsafe_code, reason = "sched_yield")]

/// Lets other threads of this CPU run. Go: osyield.
pub(crate) fn osyield() {
    // SAFETY: no preconditions.
    unsafe { libc::sched_yield() };
}
