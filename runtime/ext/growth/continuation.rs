//! A call on another stack, by corosensei, as in `core/g/context.rs`.
#![allow(unsafe_code, reason = "switches stacks")]

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering::Relaxed;

use corosensei::stack::{Stack, StackPointer};

use crate::core::g::shim::stack_pointer;
use crate::ext::linux::memory::Span;
use crate::ext::linux::valgrind::{self, begin_stack};
use crate::ext::stackalloc::SlotRef;

/// Runs `f` on `slot`, which the caller owns, and comes back: by return, or unwinding with the
/// panic of `f`. `below` is the caller's stack, if it is one of ours.
#[inline(never)]
pub(crate) fn call_on(slot: SlotRef, below: Option<SlotRef>, f: &mut dyn FnMut()) {
    if let Some(below) = below {
        below.note_sp(stack_pointer() - CALL_FRAMES);
    }
    let idle = slot.has_coroutine().then(|| slot.live_sp()).flatten();
    let top = match idle {
        Some(sp) => (sp - CALL_FRAMES) & !63,
        None => {
            // None there, or one that has not said how deep it sleeps: it has nothing to drop.
            slot.set_has_coroutine(false);
            slot.top()
        }
    };
    let base = if valgrind::is_memcheck() {
        top - valgrind::FAR
    } else {
        top
    };
    slot.body_sp().store(base, Relaxed);
    begin_stack(Span::between(slot.limit(), base));
    corosensei::on_stack(Continuation { slot, base }, f);
}

/// More than the frames between [`call_on`] and the new stack take, also in a debug build.
const CALL_FRAMES: usize = 2 << 10;

/// The part of a slot that is free: below its idle coroutine, if it has one.
struct Continuation {
    slot: SlotRef,
    base: usize,
}

// SAFETY: as for `SlotStack`; an idle coroutine needs nothing below the stack pointer that it
// has noted, less the slack.
unsafe impl Stack for Continuation {
    fn base(&self) -> StackPointer {
        NonZeroUsize::new(self.base).expect("a slot is not at address 0")
    }

    fn limit(&self) -> StackPointer {
        NonZeroUsize::new(self.slot.limit()).expect("a slot is not at address 0")
    }
}
