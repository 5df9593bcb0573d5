//! A goroutine on its stack: it gets a stack at its first run, runs the closure there, and at its
//! end gives back its G and its stack.
//!
//! Go: stack.go stackalloc; proc.go goexit, goexit1, goexit0, gdestroy, gfput.
#![allow(unsafe_code, reason = "takes the closure out of the G")]

use crate::core::g::context;
use crate::core::g::goroutine::{G, GRef};
use crate::core::hooks;
use crate::core::m::enter::enter_to_wait;
use crate::core::m::machine::M;
use crate::core::p::processor::LentP;
use crate::core::sched::park::leave_after_switch;
use crate::core::sys::fatal::fatal;

/// A stack for a goroutine that is about to run for the first time. `None`: none is to be had now.
#[inline]
pub(crate) fn bind_stack(p: LentP<'_>, g: GRef) -> Option<()> {
    let slot = hooks::take_stack(p, g)?;
    context::prepare(slot, body);
    slot.set_owner(std::ptr::from_ref::<G>(g).addr());
    g.block.set(context::block_of(slot));
    g.stack.set(Some(slot));
    Some(())
}

/// What runs on the goroutine's stack, around the closure. Called by the coroutine's loop, inside the
/// runtime; returns inside the runtime.
pub(crate) extern "C" fn body(g: GRef) {
    leave_after_switch();
    // SAFETY: this is the goroutine that the cell was filled for, just started. The closure
    // catches its own panics (`spawn`'s contract).
    unsafe { g.closure.take_and_run() };
    hooks::ends(g);
    let _ = enter_to_wait().forget();
}

/// The body has ended: stack and G go back to the P.
#[inline]
pub(crate) fn recycle(m: &'static M, p: LentP<'_>, g: GRef) {
    g.status.died();
    g.block.set(0);
    let Some(slot) = g.stack.take() else {
        fatal!("goroutine {} ends without a stack", g.id());
    };
    hooks::ended(m, p, g, slot);
    p.give_g(g);
}
