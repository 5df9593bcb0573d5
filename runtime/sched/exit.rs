//! A goroutine's two ends: the stack it gets at its first run, and what becomes of it.
//!
//! Go: proc.go goexit0, gdestroy, gfput; stack.go stackalloc.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::g::context;
use crate::g::goroutine::{G, GRef, Kind};
use crate::p::processor::P;
use crate::queue::owner::HoldsP;
use crate::sched::body::body;
use crate::stacks::SlotRef;
use crate::sys::fatal::fatal;

/// A stack for a goroutine that is about to run for the first time.
#[inline]
pub(crate) fn bind_stack(p: &P, holds: &HoldsP, g: GRef) -> SlotRef {
    let slot = match p.take_stack(holds, g.stack_word().class()) {
        Ok(slot) => slot,
        Err(e) => fatal!("no stack for goroutine {}: {e}", g.id()),
    };
    context::prepare(slot, body);
    slot.set_owner(std::ptr::from_ref::<G>(g).addr());
    g.stack.store(Some(slot), Relaxed);
    slot
}

/// The body has ended: stack and G go back to the P.
#[inline]
pub(crate) fn recycle(p: &P, holds: &HoldsP, g: GRef, slot: SlotRef) {
    g.status.died();
    g.stack.store(None, Relaxed);
    g.locked_count.store(0, Relaxed);
    g.locked_m.store(0, Relaxed);
    slot.set_owner(0);
    g.stack_word().give_back();
    if g.kind() == Kind::Goroutine {
        p.finished.store(p.finished.load(Relaxed) + 1, Relaxed);
    }
    p.give_stack(holds, slot);
    p.give_g(holds, g);
}
