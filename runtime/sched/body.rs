//! What runs on a goroutine's stack, around the user's closure.
//!
//! Go: proc.go goexit, goexit1.
#![allow(unsafe_code, reason = "takes the closure out of the G")]

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::g::goroutine::GRef;
use crate::g::identity::Identity;
use crate::m::enter::enter;
use crate::sched::park::leave_after_switch;

/// Called by the coroutine's loop, inside the runtime; returns inside the runtime.
pub(crate) fn body(g: GRef) {
    leave_after_switch();
    // SAFETY: this is the goroutine that the cell was filled for, just started. The closure
    // catches its own panics (`sched/spawn.rs`).
    unsafe { g.job.take_and_run() };
    drop(take_identity(g));
    let _ = enter().forget();
}

/// The goroutine's identity, if a handle was ever made.
fn take_identity(g: GRef) -> Option<Arc<Identity>> {
    if g.identity.load(Relaxed) == 0 {
        return None;
    }
    let rt = enter();
    let lock = rt.lock(&g.identity_lock);
    let raw = g.identity.swap(0, Relaxed) as *const Identity;
    drop(lock);
    drop(rt);
    // SAFETY: stored by `Arc::into_raw` (`thread/identity`), taken once.
    Some(unsafe { Arc::from_raw(raw) })
}
