//! Free stacks grow older, and lose their pages on the way.
//!
//! A stack that was deep once keeps its pages when it is recycled. Dropping the pages at each
//! recycling would cost 100 times as much as the recycling. So free slots grow older in the
//! depot, and [`scavenge`], called about once a second, drops the pages of slots that were not
//! used for a while: first all but the top page, and some seconds later that page too.
//!
//! Go: mgcscavenge.go bgscavenge.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::core::base::owner_cell::OwnerCell;
use crate::core::sys::clock::Nanos;
use crate::core::sys::lock::RawLock;
use crate::ext::scavenge::trim::drain;
use crate::ext::stackalloc::class::Class;
use crate::ext::stackalloc::depot::{self, Age};

/// Between two ages.
const TICK: Nanos = 1_000_000_000;
/// Ticks that a free slot keeps its top page for, after it has lost the others; or up to
/// twice as long.
const TOP_PAGE_TICKS: u64 = 5;
/// Slots that one call of [`scavenge`] looks at, so that sysmon is soon back at its work.
const BUDGET: usize = 1024;
struct Clock {
    /// Held by the thread that scavenges.
    lock: RawLock,
    next: OwnerCell<u64>,
    ticks: AtomicU64,
}

static CLOCK: Clock = Clock {
    lock: RawLock::new(),
    next: OwnerCell::zero(),
    ticks: AtomicU64::new(0),
};

/// Free slots that have pages to lose. A few loads.
pub(crate) fn waiting() -> usize {
    const AGES: [Age; 4] = [Age::Hot, Age::Warm, Age::Trimmed, Age::Waning];
    let of_class = |class| AGES.into_iter().map(move |age| depot::free_of(class, age));
    Class::all().flat_map(of_class).sum()
}

/// Ages the free slots of all classes and drops pages of the old ones; for a background thread,
/// which calls it with the monotonic time. Returns when to call again: at once (a time that has
/// passed) if there is more to do, or `None` while no slot is [`waiting`].
pub(crate) fn scavenge(now: Nanos) -> Option<Nanos> {
    if waiting() == 0 {
        return None;
    }
    let next = CLOCK.next.get();
    if now < next || !CLOCK.lock.try_lock() {
        return Some(next.max(now));
    }
    let done = tick();
    if done {
        CLOCK.next.set(now + TICK);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::linux::memory::{self as mem, Span};
    use crate::ext::scavenge::residency::resident_bytes;
    use crate::ext::scavenge::trim::Trim;
    use crate::ext::stackalloc::class::class_for;
    use crate::ext::stackalloc::slot::SlotRef;
    use crate::ext::stackalloc::test_child::{
        clear_mark, deep_mark, go_deep, in_child, stderr,
    };

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

    /// In a child, since there is one clock for a process, and other tests give slots back.
    #[test]
    fn free_slots_lose_their_pages_with_age_and_at_a_trim() {
        let output = in_child(
            concat!(
                module_path!(),
                "::free_slots_lose_their_pages_with_age_and_at_a_trim"
            ),
            || {
                let page = mem::page_size();
                let slots = take(quiet(), 200);
                let (sleeper, silent) = (slots[0], slots[1]);
                slots.iter().for_each(|slot| go_deep(slot, 10));
                sleeper.set_has_coroutine(true);
                sleeper.note_sp(sleeper.end() - 300);
                silent.set_has_coroutine(true);
                depot::give(quiet(), &slots);
                assert_eq!(waiting(), 200);
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
                assert!(!sleeper.has_coroutine() && !silent.has_coroutine());
                assert_eq!((resident_pages(sleeper), resident_pages(silent)), (0, 0));
                assert_eq!(depot::free_of(quiet(), Age::Empty), 200);

                let again = take(quiet(), 200);
                again.iter().for_each(|slot| go_deep(slot, 10));
                depot::give(quiet(), &again);
                let freed = trim_all();
                assert_eq!(freed, 200 * 10 * page);
                assert_eq!(pages(), 0);
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
            concat!(
                module_path!(),
                "::trimming_never_touches_a_slot_that_is_out"
            ),
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
                // The second page: the first to go in a trim.
                assert_eq!(deep_mark(slot, 2), 2, "trimmed under our feet");
                // Whoever has the slot too would see it.
                clear_mark(slot, 2);
            }
            depot::give(class, &slots);
        }
    }
}
