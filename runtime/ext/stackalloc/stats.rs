//! How many stacks there are, and roughly what they cost.
//!
//! Go: runtime/metrics /memory/classes/heap/stacks:bytes; MemStats.StackSys, StackInuse.
#![forbid(unsafe_code)]

use crate::ext::linux::memory as mem;
use crate::ext::stackalloc::arena;
use crate::ext::stackalloc::class::Class;
use crate::ext::stackalloc::depot::{self, Age};
use crate::ext::stackalloc::region;

/// A moment's counts, read without locks: they need not add up while others work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StackStats {
    /// Reservations, each for one class.
    pub(crate) arenas: usize,
    /// Address space in them.
    pub(crate) reserved_bytes: usize,
    /// The part of it that is writable: what a core dump walks through.
    pub(crate) committed_bytes: usize,
    /// Slots ever made.
    pub(crate) fresh: usize,
    /// Slots in the depot.
    pub(crate) free: usize,
    /// Slots out of the depot: under a goroutine, or in the cache of a P.
    pub(crate) live: usize,
    /// One page for each slot that has not been trimmed to nothing: a lower bound for what
    /// is in memory, exact for goroutines that stay within their first page.
    pub(crate) resident_bytes: usize,
}

/// The counts of all classes.
pub(crate) fn stats() -> StackStats {
    Class::all()
        .map(class_stats)
        .fold(StackStats::default(), |sum, one| StackStats {
            arenas: sum.arenas + one.arenas,
            reserved_bytes: sum.reserved_bytes + one.reserved_bytes,
            committed_bytes: sum.committed_bytes + one.committed_bytes,
            fresh: sum.fresh + one.fresh,
            free: sum.free + one.free,
            live: sum.live + one.live,
            resident_bytes: sum.resident_bytes + one.resident_bytes,
        })
}

/// The counts of one class.
pub(crate) fn class_stats(class: Class) -> StackStats {
    let mut stats = StackStats {
        // Before `fresh`, so that `live` does not go below zero.
        free: depot::free(class),
        fresh: arena::made(class),
        ..StackStats::default()
    };
    stats.live = stats.fresh.saturating_sub(stats.free);
    let empty = depot::free_of(class, Age::Empty);
    stats.resident_bytes = stats.fresh.saturating_sub(empty) * mem::page_size();
    for region in region::all()
        .iter()
        .filter(|region| region.class() == class)
    {
        stats.arenas += 1;
        stats.reserved_bytes += region.reserved_bytes();
        stats.committed_bytes += region.committed_bytes();
    }
    stats
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::stackalloc::class::class_for;
    use crate::ext::stackalloc::test_child::{in_child, one, stderr};

    #[test]
    fn counts_follow_take_and_give() {
        let output = in_child(
            concat!(module_path!(), "::counts_follow_take_and_give"),
            || {
                let class = class_for(1 << 25).unwrap();
                let before = class_stats(class);
                let slot = one(class);
                let after = class_stats(class);
                assert_eq!(after.arenas, 1);
                assert_eq!(after.live, before.live + 1);
                assert!(after.committed_bytes >= class.slot_bytes());
                assert!(after.reserved_bytes >= after.committed_bytes);
                depot::give(class, &[slot]);
                assert_eq!(class_stats(class).free, before.free + 1);
                assert!(stats().fresh >= after.fresh);
                eprintln!("all well");
            },
        );
        let text = stderr(&output);
        assert!(
            output.status.success() && text.contains("all well"),
            "{text}"
        );
    }
}
