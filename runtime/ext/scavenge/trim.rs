//! Returns the pages of idle stacks to the kernel. This is never done when a stack is recycled,
//! see aging.rs.
//!
//! An idle coroutine at the top of a free slot is given up together with its page: it has nothing
//! to drop, and the next goroutine there gets a new coroutine.
//!
//! Page tables stay (up to 4 KiB a slot): the guards hold them.
//!
//! Go: stack.go shrinkstack, freeStackSpans.
#![allow(unsafe_code, reason = "drops pages")]

use crate::ext::linux::memory::{self as mem, Advice, Span};
use crate::ext::scavenge::residency::resident_bytes;
use crate::ext::stackalloc::class::Class;
use crate::ext::stackalloc::depot::{self, Age};
use crate::ext::stackalloc::slot::{Slot, SlotRef};

/// Slots to a system call.
const BATCH: usize = 128;
/// Slots that [`Trim`] looks into for its estimate, of each class and age.
const SAMPLE: usize = 64;
/// Below a saved stack pointer nothing is alive but what the psABI calls the red zone (128
/// bytes) and, when the pointer was read a few calls up, the frames of those.
const RED_ZONE: usize = 512;

/// How much of a free slot stays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    TopPage,
    Nothing,
}

/// Moves slots from one age to another, without the pages that the new age does not have.
pub(crate) fn drain(class: Class, from: Age, to: Age, budget: &mut usize) {
    let keep = if to == Age::Trimmed {
        Keep::TopPage
    } else {
        Keep::Nothing
    };
    while *budget > 0 {
        let mut out = [None; BATCH];
        let room = BATCH.min(*budget);
        let count = depot::detach(class, from, &mut out[..room]);
        if count == 0 {
            return;
        }
        *budget -= count;
        let mut spans = [Span::EMPTY; BATCH];
        for (span, slot) in spans.iter_mut().zip(out.iter().flatten()) {
            *span = dead(slot, keep);
        }
        // SAFETY: the slots are free and in our hands alone; `dead` leaves what a coroutine
        // that waits in one still needs, or it is forgotten below.
        unsafe { drop_pages(&spans[..count]) };
        if keep == Keep::Nothing {
            out.iter()
                .flatten()
                .for_each(|slot| slot.set_has_coroutine(false));
        }
        // Backwards, so that they come out again in the order they went in.
        depot::put(class, to, out.into_iter().rev().flatten());
    }
}

/// Drops the pages of all free slots, a part at a time: the caller leaves the runtime in between.
///
/// Go: debug.FreeOSMemory, for stacks only.
#[derive(Debug)]
pub(crate) struct Trim {
    /// What is still to be trimmed: the class, an index into `ORDER`, and how many of them
    /// there were: others may be giving back as fast as we trim.
    class: usize,
    age: usize,
    left: Option<usize>,
    /// Resident bytes of each, from a sample.
    bytes: usize,
}

/// Youngest first: slots that grow older meanwhile are met again.
const ORDER: [Age; 4] = [Age::Hot, Age::Warm, Age::Trimmed, Age::Waning];

impl Trim {
    pub(crate) fn new() -> Trim {
        Trim {
            class: 0,
            age: 0,
            left: None,
            bytes: 0,
        }
    }

    /// One part, of at most a batch. Returns an estimate of the bytes that it gave back; `None`:
    /// all done.
    pub(crate) fn step(&mut self) -> Option<usize> {
        if self.class == Class::COUNT {
            return None;
        }
        let (class, age) = (Class::from_number(self.class), ORDER[self.age]);
        let left = match self.left {
            Some(left) => left,
            None => {
                self.bytes = sample(class, age);
                depot::free_of(class, age)
            }
        };
        let mut budget = left.min(BATCH);
        let asked = budget;
        drain(class, age, Age::Empty, &mut budget);
        let done = asked - budget;
        if done == 0 || done == left {
            self.left = None;
            self.age = (self.age + 1) % ORDER.len();
            self.class += usize::from(self.age == 0);
        } else {
            self.left = Some(left - done);
        }
        Some(done * self.bytes)
    }
}

/// Resident bytes of a free slot of this age: the mean of a few of them.
fn sample(class: Class, age: Age) -> usize {
    let mut out = [None; SAMPLE];
    let count = depot::detach(class, age, &mut out);
    let slots = || out.into_iter().rev().flatten();
    let spans = slots().map(|slot| dead(slot, Keep::Nothing));
    let bytes: usize = spans.map(resident_bytes).sum();
    depot::put(class, age, slots());
    bytes / count.max(1)
}

/// Drops the pages below the stack pointers of goroutines that are parked, a batch to a system
/// call: with several CPUs this costs a fifth for each. Returns an estimate of the bytes.
///
/// # Safety
/// The owners of these stacks have left them by `suspend`, and do not run before this returns.
pub(crate) unsafe fn trim_parked(parked: impl Iterator<Item = SlotRef>) -> usize {
    let mut bytes = 0;
    let mut spans = [Span::EMPTY; BATCH];
    let mut count = 0;
    for slot in parked {
        let Some(sp) = slot.live_sp() else {
            continue; // its owner stands on some other stack: all of this may be alive
        };
        let span = below(slot, sp);
        let resident = resident_bytes(span);
        if resident == 0 {
            continue;
        }
        bytes += resident;
        spans[count] = span;
        count += 1;
        if count == BATCH {
            // SAFETY: the caller's promise.
            unsafe { drop_pages(&spans) };
            count = 0;
        }
    }
    // SAFETY: the caller's promise.
    unsafe { drop_pages(&spans[..count]) };
    bytes
}

/// What lies between the guard and the last page that `sp` needs.
fn below(slot: &Slot, sp: usize) -> Span {
    Span::between(slot.limit(), mem::page_down(sp.saturating_sub(RED_ZONE)))
}

/// The pages of a free slot that may go.
fn dead(slot: &Slot, keep: Keep) -> Span {
    if keep == Keep::Nothing {
        return Span::between(slot.limit(), slot.end());
    }
    if !slot.has_coroutine() {
        return below(slot, slot.end());
    }
    match slot.live_sp() {
        Some(sp) => below(slot, sp),
        // A coroutine that did not say how deep it sleeps: it sleeps near the top.
        None => Span::between(slot.limit(), slot.end() - 2 * mem::page_size()),
    }
}

/// # Safety
/// The contents of the spans are not needed any more.
unsafe fn drop_pages(spans: &[Span]) {
    if spans.is_empty() {
        return;
    }
    // SAFETY: the caller's promise.
    if unsafe { mem::advise_batch(spans, Advice::Drop) }.is_err() {
        // An older kernel. If this fails as well the memory is locked, and stays.
        // SAFETY: the caller's promise.
        let _ = unsafe { mem::advise_each(spans, Advice::Drop) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::scavenge::residency::high_water;
    use crate::ext::stackalloc::class::class_for;
    use crate::ext::stackalloc::test_child::{deep_mark, go_deep, one};

    #[test]
    fn a_parked_goroutine_keeps_what_is_above_its_stack_pointer() {
        let page = mem::page_size();
        let slots = [(); 40].map(|()| one(class_for(1 << 21).unwrap()));
        slots.iter().for_each(|slot| go_deep(slot, 20));
        for slot in slots {
            slot.note_sp(slot.end() - 2 * page + 600);
        }
        // SAFETY: nothing runs on these.
        let freed = unsafe { trim_parked(slots.into_iter()) };
        assert_eq!(freed, 40 * 18 * page);
        assert_eq!(high_water(slots[0]), 2 * page);
        let all = |slot: SlotRef| Span::between(slot.limit(), slot.end());
        assert!(
            slots
                .iter()
                .all(|slot| resident_bytes(all(slot)) == 2 * page)
        );
        assert_eq!(deep_mark(slots[5], 2), 2);
    }

    #[test]
    fn a_stack_pointer_that_lies_elsewhere_is_not_believed() {
        let slots = [(); 3].map(|()| one(class_for(1 << 21).unwrap()));
        slots.iter().for_each(|slot| go_deep(slot, 20));
        let [slot, next, _] = slots;
        let elsewhere = [
            0,
            8,
            slot.bottom(),
            slot.limit(),
            slot.end() + 8,
            next.end() - 8,
            1 << 46,
            usize::MAX,
        ];
        for sp in elsewhere {
            slot.note_sp(sp);
            assert_eq!(slot.live_sp(), None, "{sp:#x}");
            // SAFETY: nothing runs on it.
            assert_eq!(unsafe { trim_parked([slot].into_iter()) }, 0, "{sp:#x}");
        }
        assert!(slots.iter().all(|slot| deep_mark(slot, 20) == 20));
        slot.note_sp(slot.limit() + 8);
        assert_eq!(slot.live_sp(), Some(slot.limit() + 8));
        slot.forget_sp();
        assert_eq!(slot.live_sp(), None);
    }
}
