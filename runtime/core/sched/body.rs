//! The function that runs on a goroutine's stack, around the user's closure.
//!
//! Go: proc.go goexit, goexit1.
#![allow(unsafe_code, reason = "takes the closure out of the G")]

use crate::core::g::goroutine::GRef;
use crate::core::g::locals;
use crate::core::hooks;
use crate::core::m::enter::enter_to_wait;
use crate::core::sched::park::leave_after_switch;

/// Called by the coroutine's loop, inside the runtime; returns inside the runtime.
pub(crate) extern "C" fn body(g: GRef) {
    leave_after_switch();
    // SAFETY: this is the goroutine that the cell was filled for, just started. The closure
    // catches its own panics (`core/sched/spawn.rs`).
    unsafe { g.closure.take_and_run() };
    locals::free(g);
    drop(hooks::take_identity(g));
    let _ = enter_to_wait().forget();
}
