//! Gives the pages of idle stacks back to the kernel; in the background, never on the way.
//!
//! A stack that was deep once keeps its pages when it is recycled. Dropping them at each
//! recycling costs 100 times what the recycling costs, so free slots grow older in the depot,
//! and [`scavenge`], called about once a second, drops the pages of those that nobody wanted
//! for a while: first all but the top page, some seconds later that one too.
//!
//! Page tables stay (up to 4 KiB a slot): the guards hold them.
//!
//! Go: stack.go shrinkstack, freeStackSpans; mgcscavenge.go bgscavenge.
#![allow(unsafe_code, reason = "drops pages")]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::stacks::class::Class;
use crate::stacks::depot::{self, Age};
use crate::stacks::depth::resident_bytes;
use crate::stacks::slot::{Slot, SlotRef};
use crate::sys::clock::Nanos;
use crate::sys::lock::RawLock;
use crate::sys::mem::{self, Advice, Span};

/// Between two ages.
const TICK: Nanos = 1_000_000_000;
/// Ticks that a free slot keeps its top page for, after it has lost the others; or up to
/// twice as long.
const TOP_PAGE_TICKS: u64 = 5;
/// Slots that one call of [`scavenge`] looks at, so that sysmon is soon back at its work.
const BUDGET: usize = 1024;
/// Slots to a system call.
const BATCH: usize = 128;
/// Slots that [`Trim`] looks into for its estimate, of each class and age.
const SAMPLE: usize = 64;
/// Below a saved stack pointer nothing is alive but what the psABI calls the red zone (128
/// bytes) and, when the pointer was read a few calls up, the frames of those.
const RED_ZONE: usize = 512;

struct Clock {
    /// Held by the one who scavenges.
    lock: RawLock,
    next: AtomicU64,
    ticks: AtomicU64,
}

static CLOCK: Clock = Clock {
    lock: RawLock::new(),
    next: AtomicU64::new(0),
    ticks: AtomicU64::new(0),
};

/// How much of a free slot stays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    TopPage,
    Nothing,
}

/// True when some free slot has pages to lose. A few loads: for every turn of sysmon.
pub(crate) fn wanted() -> bool {
    Class::all().any(|class| {
        [Age::Hot, Age::Warm, Age::Trimmed, Age::Waning]
            .into_iter()
            .any(|age| depot::free_of(class, age) > 0)
    })
}

/// Ages the free slots of all classes and drops pages of the old ones; for a background
/// thread, which calls it with the monotonic time. The answer is when to call again: at once
/// (a time that has passed) if there is more to do, or `None` until [`wanted`].
pub(crate) fn scavenge(now: Nanos) -> Option<Nanos> {
    if !wanted() {
        return None;
    }
    let next = CLOCK.next.load(Relaxed);
    if now < next || !CLOCK.lock.try_lock() {
        return Some(next.max(now));
    }
    let done = tick();
    if done {
        CLOCK.next.store(now + TICK, Relaxed);
    }
    CLOCK.lock.unlock();
    Some(if done { now + TICK } else { now })
}

/// One tick, or as much of it as the budget allows; true when it is complete.
fn tick() -> bool {
    let long = CLOCK.ticks.load(Relaxed).is_multiple_of(TOP_PAGE_TICKS);
    let mut budget = BUDGET;
    for class in Class::all() {
        drain(class, Age::Warm, Age::Trimmed, &mut budget);
        if long {
            drain(class, Age::Waning, Age::Empty, &mut budget);
        }
        if budget == 0 {
            return false;
        }
    }
    for class in Class::all() {
        if long {
            depot::grow_older(class, Age::Trimmed, Age::Waning);
        }
        depot::grow_older(class, Age::Hot, Age::Warm);
    }
    CLOCK.ticks.fetch_add(1, Relaxed);
    true
}

/// Moves slots from one age to another, without the pages that the new age does not have.
fn drain(class: Class, from: Age, to: Age, budget: &mut usize) {
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
        // that waits in one still needs.
        unsafe { drop_pages(&spans[..count]) };
        // Backwards, so that they come out again in the order they went in.
        depot::put(class, to, out.into_iter().rev().flatten());
    }
}

/// Drops the pages of all free slots, a part at a time: the caller leaves the runtime in between.
///
/// Go: debug.FreeOSMemory, for stacks only.
#[derive(Debug)]
pub(crate) struct Trim {
    /// What is still to be trimmed: the class, an index into `OLDEST_FIRST`, and how many of them
    /// there were: others may be giving back as fast as we trim.
    class: usize,
    age: usize,
    left: Option<usize>,
    /// Resident bytes of each, from a sample.
    bytes: usize,
}

const OLDEST_FIRST: [Age; 4] = [Age::Waning, Age::Trimmed, Age::Warm, Age::Hot];

impl Trim {
    pub(crate) fn new() -> Trim {
        Trim {
            class: 0,
            age: 0,
            left: None,
            bytes: 0,
        }
    }

    /// One part, of at most a batch. The answer is an estimate of the bytes that it gave back;
    /// `None`: all done.
    pub(crate) fn step(&mut self) -> Option<usize> {
        if self.class == Class::COUNT {
            return None;
        }
        let (class, age) = (Class::from_number(self.class), OLDEST_FIRST[self.age]);
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
            self.age = (self.age + 1) % OLDEST_FIRST.len();
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
/// call: with several CPUs a fifth of the price each. The answer is an estimate of the bytes.
///
/// # Safety
/// Each pair is a slot and the stack pointer below which its owner has nothing, and the owner
/// does not run before this returns.
pub(crate) unsafe fn trim_parked(parked: impl Iterator<Item = (SlotRef, usize)>) -> usize {
    let mut bytes = 0;
    let mut spans = [Span::EMPTY; BATCH];
    let mut count = 0;
    for (slot, sp) in parked {
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
    let sp = slot.saved_sp();
    match (slot.has_coroutine(), keep) {
        (false, Keep::Nothing) => Span::between(slot.limit(), slot.end()),
        (false, Keep::TopPage) => below(slot, slot.end()),
        (true, _) if sp > slot.limit() && sp <= slot.end() => below(slot, sp),
        // A coroutine that did not say how deep it sleeps: it sleeps near the top.
        (true, _) => Span::between(slot.limit(), slot.end() - 2 * mem::page_size()),
    }
}

/// # Safety
/// Nothing in the spans is needed by anybody.
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
    use crate::stacks::child::{go_deep, in_child, stderr};
    use crate::stacks::class::class_for;
    use crate::stacks::depth::high_water;

    fn quiet() -> Class {
        class_for(1 << 23).unwrap()
    }

    fn trim_all() -> usize {
        let mut trim = Trim::new();
        std::iter::from_fn(|| trim.step()).sum()
    }

    fn take(class: Class, count: usize) -> Vec<SlotRef> {
        let mut out = [None; 32];
        let mut slots = Vec::new();
        while slots.len() < count {
            let want = (count - slots.len()).min(32);
            let n = depot::take(class, &mut out[..want]).unwrap();
            slots.extend(out[..n].iter().flatten());
        }
        slots
    }

    fn resident_pages(slot: SlotRef) -> usize {
        resident_bytes(Span::between(slot.limit(), slot.end())) / mem::page_size()
    }

    #[test]
    fn a_parked_goroutine_keeps_what_is_above_its_stack_pointer() {
        let page = mem::page_size();
        let slots = take(class_for(1 << 21).unwrap(), 40); // fewer than a batch
        slots.iter().for_each(|slot| go_deep(slot, 20));
        let sp = |slot: SlotRef| slot.end() - 2 * page + 600;
        // SAFETY: nothing runs on these.
        let freed = unsafe { trim_parked(slots.iter().map(|&slot| (slot, sp(slot)))) };
        assert_eq!(freed, 40 * 18 * page);
        assert_eq!(high_water(slots[0]), 2 * page);
        assert!(slots.iter().all(|slot| resident_pages(slot) == 2));
        let deep = (slots[5].end() - 2 * page) as *const usize;
        // SAFETY: in the slot, which is ours.
        assert_eq!(unsafe { deep.read() }, 2);
    }

    /// In a child, since there is one clock for a process, and other tests give slots back.
    #[test]
    fn free_slots_lose_their_pages_with_age_and_at_a_trim() {
        let output = in_child(
            "stacks::trim::tests::free_slots_lose_their_pages_with_age_and_at_a_trim",
            || {
                let page = mem::page_size();
                let slots = take(quiet(), 200);
                let (sleeper, silent) = (slots[0], slots[1]);
                slots.iter().for_each(|slot| go_deep(slot, 10));
                sleeper.set_has_coroutine();
                sleeper.set_saved_sp(sleeper.end() - 300);
                silent.set_has_coroutine();
                depot::give(quiet(), &slots);
                assert!(wanted());
                let pages = || slots[2..].iter().map(|s| resident_pages(s)).max().unwrap();

                let mut now = TICK;
                let mut turns = |ticks: u64| {
                    let end = now + ticks * TICK;
                    while now < end {
                        now = scavenge(now).unwrap_or(end);
                    }
                };
                turns(1);
                assert_eq!(pages(), 10, "nobody is trimmed in its first second");
                turns(2);
                assert_eq!(pages(), 1);
                assert_eq!(resident_pages(sleeper), 1);
                assert_eq!(resident_pages(silent), 2);
                turns(2 * TOP_PAGE_TICKS);
                assert_eq!(pages(), 0);
                assert_eq!(resident_pages(sleeper), 1);
                assert_eq!(depot::free_of(quiet(), Age::Empty), 200);

                let again = take(quiet(), 200);
                again.iter().for_each(|slot| go_deep(slot, 10));
                depot::give(quiet(), &again);
                let freed = trim_all();
                assert!(
                    freed >= 198 * 9 * page && freed <= 200 * 10 * page,
                    "{freed}"
                );
                assert_eq!(pages(), 0);
                assert_eq!((resident_pages(sleeper), resident_pages(silent)), (1, 2));
                assert_eq!(take(quiet(), 200).len(), 200);
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
    fn trimming_never_touches_a_slot_that_is_out() {
        let output = in_child(
            "stacks::trim::tests::trimming_never_touches_a_slot_that_is_out",
            || {
                let left = AtomicU64::new(3);
                std::thread::scope(|scope| {
                    for _ in 0..3 {
                        scope.spawn(|| {
                            use_slots(quiet(), 3000);
                            left.fetch_sub(1, Relaxed);
                        });
                    }
                    let mut now = TICK;
                    while left.load(Relaxed) > 0 {
                        now = scavenge(now).unwrap_or(now);
                        trim_all();
                    }
                });
                eprintln!("all well");
            },
        );
        let text = stderr(&output);
        assert!(
            output.status.success() && text.contains("all well"),
            "{text}"
        );
    }

    /// Takes slots, writes to them, and finds the same when it comes back to them.
    fn use_slots(class: Class, rounds: usize) {
        for round in 0..rounds {
            let slots = take(class, 1 + round % 40);
            slots.iter().for_each(|slot| go_deep(slot, 2));
            std::thread::yield_now();
            for slot in &slots {
                // The lowest word of the second page: the first to go in a trim.
                let word = (slot.end() - 2 * mem::page_size()) as *mut usize;
                // SAFETY: in the slot, which is ours.
                assert_eq!(unsafe { word.read() }, 2, "trimmed under our feet");
                // SAFETY: the same; whoever has the slot too would see it.
                unsafe { word.write(0) };
            }
            depot::give(class, &slots);
        }
    }
}
