//! Segmented stacks: a larger segment for one deep call.
//!
//! `G::stack` is the segment on which its owner runs. The slot's link leads to the part that this
//! segment continues, and so on to the goroutine's first stack (a foreign thread has none). Each
//! part below the current segment keeps in `saved_sp` the owner's stack pointer when it left that
//! part: nothing below it is alive. A suspension notes its stack pointer in the current segment.
//! So code that looks at a goroutine that is not running (trim, dumps) finds all its live parts
//! by walking [`Slot::chain`](crate::ext::stackalloc::Slot::chain).
//!
//! Coroutines of another library break that order. A coroutine may make a call on a segment and
//! be left in the middle of it. Then its goroutine continues below, or on stacks that we do not
//! know, while the segment is still in the chain. So the chain is a list of all live parts, and
//! only the last one, the goroutine's first stack, has a fixed place. A goroutine that runs on
//! another part than the first of the chain notes a stack pointer that is outside of that first
//! part, and `Slot::live_sp` ignores it. A segment that ends while it is not the first is taken
//! out of the middle of the chain; all stack pointers noted in the chain are cleared, since the
//! goroutine now runs on one of its parts.
//!
//! `standing`: the first and the last thing that runs on a segment changes `G::stack`. The owner
//! may be suspended each time it enters or leaves the runtime, also inside `push` and `drop`. A
//! suspension notes the stack pointer in `G::stack`, so while the owner is still on the stack
//! below, `G::stack` must be the stack below.
//!
//! Go: stack.go newstack, which copies instead.
#![forbid(unsafe_code)]

use crate::core::g::goroutine::{G, GRef};
use crate::core::m::enter::{NoPreempt, enter};
use crate::ext::growth::continuation;
use crate::ext::linux::valgrind;
use crate::ext::recording::emit;
use crate::ext::stackalloc::Class;
use crate::ext::stackalloc::Slot;
use crate::ext::stackalloc::SlotRef;
use crate::ext::stackalloc::StackError;
use crate::ext::stackalloc::class_for;
use crate::ext::stackalloc::depot;
use crate::ext::stackalloc::quota;
use crate::ext::stackalloc::slot::SEGMENT_TAG;

/// What the segment loses to its stagger, to the way in and to the frames in between.
const OVERHEAD: usize = 4 << 10;

/// The smallest class with so many usable bytes.
fn class_with(size: usize) -> Result<Class, StackError> {
    // Two stacks with 6 MiB in between, and each with FAR at its upper end.
    let size = match valgrind::is_memcheck() {
        true => size.saturating_add(valgrind::FAR).max(3 * valgrind::FAR),
        false => size,
    };
    let class = class_for(size)?;
    match class.usable_bytes() < size {
        true => class_for(class.slot_bytes() * 2),
        false => Ok(class),
    }
}

/// The right to run on a segment; gives it back when dropped.
#[derive(Debug)]
pub(crate) struct Segment {
    slot: SlotRef,
    owner: GRef,
    /// What the slot's idle coroutine, if it has one, said of itself.
    idle_sp: Option<usize>,
    promised: bool,
}

impl Segment {
    /// A segment with room for `size` bytes, which continues the caller's stack.
    pub(crate) fn push(size: usize) -> Result<Segment, StackError> {
        let class = class_with(size.saturating_add(OVERHEAD))?;
        let promised = quota::take(class)?;
        let rt = enter();
        let owner = rt.current();
        match take(&rt, class) {
            Ok(slot) => {
                slot.set_link(owner.stack.get());
                emit::grows(owner, class.slot_bytes());
                slot.set_owner(std::ptr::from_ref::<G>(owner).addr() | SEGMENT_TAG);
                Ok(Segment {
                    slot,
                    owner,
                    idle_sp: slot.live_sp(),
                    promised,
                })
            }
            Err(e) => {
                drop(rt);
                quota::give_back(class, promised);
                Err(e)
            }
        }
    }

    /// Runs `f` on the segment. Called by its owner, at once.
    pub(crate) fn call(&self, f: &mut dyn FnMut()) {
        continuation::call_on(self.slot, self.slot.link(), &mut || {
            let _standing = Standing::on(self);
            f();
        });
    }
}

/// Lives in the segment's outermost frame: the owner runs on the segment until `f` returns or
/// unwinds.
struct Standing<'a>(&'a Segment);

impl<'a> Standing<'a> {
    fn on(segment: &'a Segment) -> Standing<'a> {
        segment.owner.stack.set(Some(segment.slot));
        Standing(segment)
    }
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        let Segment { slot, owner, .. } = *self.0;
        if owner.stack.get().is_some_and(|first| first.same(slot)) {
            owner.stack.set(slot.link());
        } else {
            leave_the_middle(owner, slot);
        }
    }
}

/// Out of a chain in which it is not the first; in none, if it has outlived its goroutine.
#[cold]
fn leave_the_middle(owner: GRef, slot: SlotRef) {
    let first = owner.stack.get();
    for other in first.into_iter().flat_map(Slot::chain) {
        other.forget_sp();
        if other.link().is_some_and(|next| next.same(slot)) && other.is_segment() {
            other.set_link(slot.link());
        }
    }
}

impl Drop for Segment {
    /// Back on the stack below, by return or by unwinding, maybe on another M.
    fn drop(&mut self) {
        let rt = enter();
        self.slot.set_link(None);
        self.slot.set_owner(0);
        match self.idle_sp {
            Some(sp) => self.slot.note_sp(sp),
            None => self.slot.forget_sp(),
        }
        give(&rt, self.slot);
        drop(rt);
        quota::give_back(self.slot.class(), self.promised);
    }
}

fn take(rt: &NoPreempt, class: Class) -> Result<SlotRef, StackError> {
    if let Some(p) = rt.p() {
        return p.take_stack(class);
    }
    let mut out = [None];
    depot::take(class, &mut out)?;
    out[0].ok_or(StackError::Exhausted)
}

fn give(rt: &NoPreempt, slot: SlotRef) {
    match rt.p() {
        Some(p) => p.give_stack(slot),
        None => depot::give(slot.class(), &[slot]),
    }
}
