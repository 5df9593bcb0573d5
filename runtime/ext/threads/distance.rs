//! The loop of an M stays away from its thread's thread-locals.
#![allow(unsafe_code, reason = "moves the stack pointer")]

use crate::ext::linux::arch::call_further_down;
use crate::ext::linux::thread_stack;

/// How far a thread's scheduler frames stay away from its thread-locals, which stand at the top
/// of the same mapping: what looks like an address of the one is not one of the other, and a
/// thread-local's address minus something is none of a frame (`ext/linux/tls_ranges.rs`).
pub(crate) const DISTANCE: usize = thread_stack::BELOW;

/// Runs an M's `f` at [`DISTANCE`] from the top of its stack.
pub(crate) fn call_at_distance(f: &mut dyn FnMut()) {
    extern "C" fn call(f: *const ()) {
        let f = f.cast::<&mut dyn FnMut()>().cast_mut();
        // SAFETY: the argument below.
        unsafe { (*f)() };
    }
    let mut f = f;
    // SAFETY: Ms have stacks of more than that (`ext/threads/spawner.rs`); a panic in `f` aborts.
    unsafe { call_further_down((&raw mut f).cast(), call, DISTANCE) };
}
