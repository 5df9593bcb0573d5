//! How deep a stack has been: which of its pages are in memory.
//!
//! To record the stack pointer at suspensions would cost nothing, but misses the depth between
//! two of them. Marks written into the stack would touch the pages that they should measure. So
//! the kernel is asked. The functions here change nothing, and any thread may call them.
#![forbid(unsafe_code)]

use crate::ext::linux::memory::{self as mem, Span};
use crate::ext::linux::pagemap;
use crate::ext::stackalloc::region;
use crate::ext::stackalloc::slot::{Slot, SlotRef};

/// Bytes from the deepest page that is in memory to the end of the slot: how deep the stack
/// has been since it was last trimmed. About a microsecond for a small slot.
pub(crate) fn high_water(slot: &Slot) -> usize {
    let mut at = slot.limit();
    while at < slot.end() {
        let mut pages = [0; 512];
        let Ok(count) = mem::resident(Span::between(at, slot.end()), &mut pages) else {
            return 0;
        };
        if let Some(first) = pages[..count].iter().position(|page| page & 1 != 0) {
            return slot.end() - at - first * mem::page_size();
        }
        at += count * mem::page_size();
    }
    0
}

/// The sum over a stack and those that it continues.
pub(crate) fn chain_high_water(slot: SlotRef) -> usize {
    slot.chain().map(high_water).sum()
}

/// Bytes of `span` that are in memory.
pub(crate) fn resident_bytes(span: Span) -> usize {
    let (mut at, end) = (span.addr, span.addr + span.len);
    let mut found = 0;
    while at < end {
        let mut pages = [0; 512];
        let Ok(count) = mem::resident(Span::between(at, end), &mut pages) else {
            break;
        };
        found += pages[..count].iter().filter(|page| *page & 1 != 0).count();
        at += count * mem::page_size();
    }
    found * mem::page_size()
}

/// Calls `visit` with each slot that has more than `pages` pages in memory, and with how
/// many. It may be free or live by then; for a background thread that trims parked ones.
/// Visits nothing where the kernel cannot tell.
pub(crate) fn for_each_deep(pages: usize, mut visit: impl FnMut(SlotRef, usize)) {
    for region in region::all() {
        let stride = region.class().stride_bytes();
        let span = region.span();
        let mut current = (0, 0);
        let mut leave = |(i, count): (usize, usize)| {
            if count > pages
                && let Some(slot) = region.slot(i)
            {
                visit(slot, count);
            }
        };
        pagemap::for_each_resident(span, |run| {
            let mut at = run.addr;
            while at < run.addr + run.len {
                let i = (at - span.addr) / stride;
                let end = (run.addr + run.len).min(span.addr + (i + 1) * stride);
                if i != current.0 {
                    leave(current);
                    current = (i, 0);
                }
                current.1 += (end - at) / mem::page_size();
                at = end;
            }
        });
        leave(current);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::stackalloc::class::class_for;
    use crate::ext::stackalloc::test_child::{go_deep, one};

    #[test]
    fn high_water_counts_from_the_end_to_the_deepest_page() {
        let page = mem::page_size();
        let class = class_for(1 << 22).unwrap();
        let slot = one(class);
        assert_eq!(high_water(slot), 0);
        go_deep(slot, 3);
        assert_eq!(high_water(slot), 3 * page);
        go_deep(slot, class.usable_bytes() / page);
        assert_eq!(high_water(slot), class.usable_bytes());
        let all = Span::between(slot.limit(), slot.end());
        assert_eq!(resident_bytes(all), class.usable_bytes());
    }

    #[test]
    fn deep_stacks_are_found() {
        let slots = [(); 3].map(|()| one(class_for(1 << 24).unwrap()));
        go_deep(slots[0], 1);
        go_deep(slots[1], 5);
        go_deep(slots[2], 9);
        let mut found = Vec::new();
        for_each_deep(4, |slot, pages| found.push((slot.bottom(), pages)));
        if found.is_empty() {
            return; // Linux before 6.7.
        }
        assert!(!found.iter().any(|&(bottom, _)| bottom == slots[0].bottom()));
        assert!(found.contains(&(slots[1].bottom(), 5)));
        assert!(found.contains(&(slots[2].bottom(), 9)));
    }
}
