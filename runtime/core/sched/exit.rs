//! The stack that a goroutine gets at its first run, and the end of a goroutine.
//!
//! Go: proc.go goexit0, gdestroy, gfput; stack.go stackalloc.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::context;
use crate::core::g::goroutine::{G, GRef, Kind};
use crate::core::g::incarnation::Incarnation;
use crate::core::p::processor::LentP;
use crate::core::sched::body::body;
use crate::core::stackalloc::SlotRef;
use crate::core::sys::fatal::fatal;

/// A stack for a goroutine that is about to run for the first time. False: none is to be had now.
#[inline]
pub(crate) fn bind_stack(p: LentP<'_>, g: GRef) -> bool {
    let Ok(slot) = p.take_stack(g.stack_spec().class()) else {
        return false;
    };
    context::prepare(slot, body);
    slot.set_owner(std::ptr::from_ref::<G>(g).addr());
    g.block.store(context::block_of(slot), Relaxed);
    g.stack.store(Some(slot), Relaxed);
    true
}

/// The body has ended: stack and G go back to the P.
#[inline]
pub(crate) fn recycle(p: LentP<'_>, g: GRef) {
    g.status.died();
    g.block.store(0, Relaxed);
    let Some(mut slot) = g.stack.take_relaxed() else {
        fatal!("goroutine {} ends without a stack", g.id());
    };
    if slot.is_segment() {
        slot = own_stack(slot);
    }
    g.locked_count.store(0, Relaxed);
    g.locked_m.store(0, Relaxed);
    g.last_m.store(Incarnation::NONE, Relaxed); // nobody's thread is needed for it
    g.stay.store(0, Relaxed); // nor is it suspected of what its last goroutine did
    slot.set_owner(0);
    g.stack_spec().give_back();
    if g.kind() == Kind::Goroutine {
        p.finished.store(p.finished.load(Relaxed) + 1, Relaxed);
    }
    p.give_stack(slot);
    p.give_g(g);
}

/// A coroutine of some other library was left in the middle of a `stack::grow`, and never came
/// back: its segment is still in the chain, and stays that coroutine's.
#[cold]
fn own_stack(segment: SlotRef) -> SlotRef {
    segment.chain().last().unwrap_or(segment)
}
