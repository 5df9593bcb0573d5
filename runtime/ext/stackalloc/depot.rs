//! The central store of free slots, which the caches of the Ps fill from and spill to.
//!
//! Last in, first out: the pages of a slot that was used a moment ago are still in the CPU's
//! cache. Each class has a list of free slots for each [`Age`], so that trim.rs finds the slots
//! that were not used for a while without walking a list.
//!
//! Invariants: a free slot is in one list, or in the hands of one trimmer. No thread's stack
//! pointer is in a free slot; if `has_coroutine` is set, an idle coroutine waits in it. `take`
//! and `give` do not allocate. A list changes only under the depot's lock.
//!
//! Go: stack.go stackpoolalloc, stackpoolfree.
#![forbid(unsafe_code)]

use crate::core::base::owner_cell::OwnerCell;
use crate::core::sys::lock::RawLock;
use crate::ext::stackalloc::arena;
use crate::ext::stackalloc::class::Class;
use crate::ext::stackalloc::error::StackError;
use crate::ext::stackalloc::region;
use crate::ext::stackalloc::slot::{SlotCell, SlotRef};

/// How long a free slot has been free, youngest first; also the order in which they go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// Given back since the last tick.
    Hot,
    /// It was not used since the last tick.
    Warm,
    /// All pages but the top one have been dropped.
    Trimmed,
    /// It was not used for many ticks after that.
    Waning,
    /// No page is left, and an idle coroutine was given up.
    Empty,
}

const AGES: [Age; 5] = [Age::Hot, Age::Warm, Age::Trimmed, Age::Waning, Age::Empty];

/// A stack of slots, linked through themselves.
struct List {
    head: SlotCell,
    len: OwnerCell<usize>,
}

struct Depot {
    lock: RawLock,
    lists: [List; AGES.len()],
}

static DEPOTS: [Depot; Class::COUNT] = [const { Depot::empty() }; Class::COUNT];

/// Slots of `class` into the front of `out`: free ones if there are any, the last given first,
/// else new ones. Returns how many: at least one, if `out` has a place.
///
/// # Errors
/// When there is no free slot and the kernel refuses a new one.
pub(crate) fn take(class: Class, out: &mut [Option<SlotRef>]) -> Result<usize, StackError> {
    match DEPOTS[class.number()].take(out) {
        0 => arena::fresh(class, out),
        count => Ok(count),
    }
}

/// Has there ever been a slot of `class`?
#[inline]
pub(crate) fn is_open(class: Class) -> bool {
    arena::made(class) != 0
}

/// Makes the first slots of `class`, so that errors come early, and with them what this kernel
/// can do: see quota.rs.
pub(crate) fn warm_up(class: Class) -> Result<(), StackError> {
    let mut out = [None; region::BATCH];
    let count = take(class, &mut out)?;
    put(class, Age::Empty, out[..count].iter().copied().flatten());
    Ok(())
}

/// Takes slots of `class` back. The caller has no more use for them, and nothing points into
/// them but an idle coroutine. The last of `slots` is the first to go out again.
pub(crate) fn give(class: Class, slots: &[SlotRef]) {
    debug_assert!(slots.iter().all(|slot| slot.class() == class));
    put(class, Age::Hot, slots.iter().copied());
}

/// For the trimmer: puts slots into the list of their age.
pub(crate) fn put(class: Class, age: Age, slots: impl Iterator<Item = SlotRef>) {
    DEPOTS[class.number()].put(age, slots);
}

/// For the trimmer: takes free slots of one age, which are in no list until they are `put`.
pub(crate) fn detach(class: Class, age: Age, out: &mut [Option<SlotRef>]) -> usize {
    let depot = &DEPOTS[class.number()];
    depot.lock.lock();
    let count = depot.lists[age as usize].pop_into(out);
    depot.lock.unlock();
    count
}

/// All slots of one age become one age older, unless there are older ones still. O(1).
pub(crate) fn grow_older(class: Class, from: Age, to: Age) {
    let depot = &DEPOTS[class.number()];
    depot.lock.lock();
    let (from, to) = (&depot.lists[from as usize], &depot.lists[to as usize]);
    if to.len.get() == 0 {
        to.head.set(from.head.get());
        to.len.set(from.len.get());
        from.head.set(None);
        from.len.set(0);
    }
    depot.lock.unlock();
}

/// The number of free slots of one age; without the lock, so it may be out of date.
pub(crate) fn free_of(class: Class, age: Age) -> usize {
    DEPOTS[class.number()].lists[age as usize].len.peek()
}

/// Free slots of a class.
pub(crate) fn free(class: Class) -> usize {
    AGES.into_iter().map(|age| free_of(class, age)).sum()
}

impl Depot {
    const fn empty() -> Depot {
        Depot {
            lock: RawLock::new(),
            lists: [const { List::empty() }; AGES.len()],
        }
    }

    fn take(&self, out: &mut [Option<SlotRef>]) -> usize {
        self.lock.lock();
        let mut count = 0;
        for list in &self.lists {
            count += list.pop_into(&mut out[count..]);
        }
        self.lock.unlock();
        count
    }

    fn put(&self, age: Age, slots: impl Iterator<Item = SlotRef>) {
        self.lock.lock();
        slots.for_each(|slot| self.lists[age as usize].push(slot));
        self.lock.unlock();
    }
}

impl List {
    const fn empty() -> List {
        List {
            head: SlotCell::new(),
            len: OwnerCell::zero(),
        }
    }

    fn push(&self, slot: SlotRef) {
        slot.set_link(self.head.get());
        self.head.set(Some(slot));
        self.len.add(1);
    }

    fn pop(&self) -> Option<SlotRef> {
        let slot = self.head.get()?;
        self.head.set(slot.link());
        slot.set_link(None);
        self.len.sub(1);
        Some(slot)
    }

    fn pop_into(&self, out: &mut [Option<SlotRef>]) -> usize {
        let mut count = 0;
        while let Some(place) = out.get_mut(count)
            && let Some(slot) = self.pop()
        {
            *place = Some(slot);
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::stackalloc::class::class_for;
    use crate::ext::stackalloc::test_child::{in_child, stderr};
    use std::collections::HashSet;

    fn take_some(class: Class, count: usize) -> Vec<SlotRef> {
        let mut got = Vec::new();
        while got.len() < count {
            let mut out = [None; 32];
            let want = (count - got.len()).min(32);
            let n = take(class, &mut out[..want]).unwrap();
            got.extend(out.into_iter().take(n).flatten());
        }
        got
    }

    #[test]
    fn slots_are_distinct_and_do_not_overlap() {
        let output = in_child(
            concat!(module_path!(), "::slots_are_distinct_and_do_not_overlap"),
            || {
                for class in Class::all() {
                    let count = if class.slot_bytes() > 1 << 24 { 3 } else { 100 };
                    let slots = take_some(class, count);
                    let mut spans: Vec<_> =
                        slots.iter().map(|s| (s.bottom(), s.end())).collect();
                    spans.sort_unstable();
                    assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0));
                    let stride = class.stride_bytes();
                    assert!(
                        spans
                            .windows(2)
                            .all(|pair| (pair[1].0 - pair[0].0) % stride == 0)
                    );
                    for slot in &slots {
                        assert_eq!(slot.class(), class);
                        assert_eq!(slot.top() % 16, 0);
                        assert!(slot.end() - slot.top() < 1024);
                        assert_eq!(slot.limit() - slot.bottom(), class.guard_bytes());
                        assert_eq!((slot.owner(), slot.has_coroutine()), (0, false));
                    }
                    let indices: HashSet<_> = slots.iter().map(|s| s.bottom()).collect();
                    assert_eq!(indices.len(), count);
                    give(class, &slots);
                }
                eprintln!("all well");
            },
        );
        let text = stderr(&output);
        assert!(
            output.status.success() && text.contains("all well"),
            "{text}"
        );
    }

    #[test]
    fn tops_are_spread_over_sixteen_cache_lines() {
        let class = class_for(512 << 10).unwrap();
        let slots = take_some(class, 64);
        let lines: HashSet<_> = slots.iter().map(|s| s.end() - s.top()).collect();
        assert_eq!(lines.len(), 16);
        give(class, &slots);
    }

    #[test]
    fn the_last_slot_given_is_the_first_taken_whatever_their_ages() {
        let class = class_for(1 << 20).unwrap();
        let slots = take_some(class, 8);
        let depot = Depot::empty();
        depot.put(Age::Empty, slots[..2].iter().copied());
        depot.put(Age::Warm, slots[2..4].iter().copied());
        depot.put(Age::Hot, slots[4..6].iter().copied());
        depot.put(Age::Hot, slots[6..].iter().copied());
        let mut out = [None; 32];
        assert_eq!(depot.take(&mut out[..1]), 1);
        assert_eq!(depot.take(&mut out[1..]), 7);
        assert_eq!(depot.take(&mut out[8..]), 0);
        let taken: Vec<_> = out.iter().flatten().rev().map(|s| s.bottom()).collect();
        let given: Vec<_> = slots.iter().map(|s| s.bottom()).collect();
        assert_eq!(taken, given);
        give(class, &slots);
    }

    #[test]
    fn threads_never_share_a_slot() {
        let class = class_for(2 << 20).unwrap();
        std::thread::scope(|scope| {
            for tag in 1..=4_usize {
                scope.spawn(move || {
                    for round in 0..500 {
                        let slots = take_some(class, 1 + round % 7);
                        for slot in &slots {
                            assert_eq!(slot.owner(), 0);
                            slot.set_owner(tag);
                        }
                        for slot in &slots {
                            assert_eq!(slot.owner(), tag);
                            slot.set_owner(0);
                        }
                        give(class, &slots);
                    }
                });
            }
        });
    }
}
