//! What runs on a goroutine's stack, around the user's closure.
//!
//! Go: proc.go goexit, goexit1.
#![allow(unsafe_code, reason = "takes the closure out of the G")]

use crate::g::goroutine::GRef;
use crate::g::locals;
use crate::m::enter::enter_to_wait;
use crate::sched::names::take_identity;
use crate::sched::park::leave_after_switch;

/// Called by the coroutine's loop, inside the runtime; returns inside the runtime.
pub(crate) extern "C" fn body(g: GRef) {
    leave_after_switch();
    // SAFETY: this is the goroutine that the cell was filled for, just started. The closure
    // catches its own panics (`sched/spawn.rs`).
    unsafe { g.job.take_and_run() };
    locals::free(g);
    drop(take_identity(g));
    let _ = enter_to_wait().forget();
}
