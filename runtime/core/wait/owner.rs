//! Who holds a lock, for reports of deadlocks: only in builds with `debug_assertions`, as the word would
//! cost some instructions at each lock.
#![forbid(unsafe_code)]

#[cfg(all(debug_assertions, not(loom)))]
use crate::core::base::owner_cell::OwnerCell;
#[cfg(all(debug_assertions, not(loom)))]
use crate::core::m::current::this_m;

/// How far behind a word of 32 bits, in a struct as C lays it out.
#[cfg(not(loom))]
pub(crate) const BEHIND_A_WORD: usize = align_of::<Owner>().next_multiple_of(4);

/// The goroutine that has the lock; of a `Once`, the last one that ran it.
#[derive(Debug)]
pub(crate) struct Owner {
    #[cfg(all(debug_assertions, not(loom)))]
    id: OwnerCell<u64>,
}

impl Owner {
    /// Is anything noted at all?
    pub(crate) const KNOWN: bool = cfg!(all(debug_assertions, not(loom)));

    pub(crate) const fn nobody() -> Owner {
        Owner {
            #[cfg(all(debug_assertions, not(loom)))]
            id: OwnerCell::zero(),
        }
    }

    /// The caller has taken the lock. A plain thread has no number, so it notes nobody.
    #[inline]
    pub(crate) fn note(&self) {
        #[cfg(all(debug_assertions, not(loom)))]
        self.id
            .set(this_m().and_then(|m| m.curg()).map_or(0, |g| g.id()));
    }

    /// The caller is about to give the lock up.
    #[inline]
    pub(crate) fn forget(&self) {
        #[cfg(all(debug_assertions, not(loom)))]
        self.id.set(0);
    }
}
