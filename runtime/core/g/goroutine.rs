//! The G: one block for a goroutine's state, identity and closure.
//!
//! Gs are never freed, only recycled, so a [`GRef`] can always be read: a stale one sees another
//! goroutine, never freed memory. For that reason all fields but the closure are atomics;
//! Relaxed accesses cost the same as plain ones. The owner of the G writes its fields; a field that
//! another thread may write says so.
//!
//! Go: runtime2.go g.
#![forbid(unsafe_code)]

use std::ops::Deref;

use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::g::closure::ClosureCell;
use crate::core::g::status::Status;
use crate::core::g::wait_reason::WaitReason;
use crate::core::g::wait_round::{WaitId, WaitRound};
use crate::core::hooks::GExt;
use crate::core::hooks::Slot;

/// A handle to a G: what queues and wait lists hold.
pub(crate) type GRef = &'static G;

#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct G {
    // Changed only through `core/g/status.rs`.
    pub(crate) status: Status,
    // Written by the owner (the M it runs on, or the spawner).
    reason: OwnerCell<u8>,
    /// Next in the one list this G is in; written by the list's owner.
    pub(crate) link: OwnerRef<G>,
    /// The stack it runs on; none before the first run.
    pub(crate) stack: OwnerRef<Slot>,
    /// The coroutine's control block on that stack; 0 without one. See `core/g/context.rs`.
    pub(crate) block: OwnerCell<usize>,
    pub(crate) wait_round: WaitRound,
    pub(crate) id: OwnerCell<u64>,
    /// What the extras keep here.
    ext: GExt,
    pub(crate) closure: ClosureCell,
}

impl Deref for G {
    type Target = GExt;

    #[inline]
    fn deref(&self) -> &GExt {
        &self.ext
    }
}

impl G {
    pub(crate) fn new() -> G {
        G {
            status: Status::dead(),
            reason: OwnerCell::zero(),
            link: OwnerRef::none(),
            stack: OwnerRef::none(),
            block: OwnerCell::zero(),
            wait_round: WaitRound::new(),
            id: OwnerCell::zero(),
            ext: GExt::new(),
            closure: ClosureCell::empty(),
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id.get()
    }

    pub(crate) fn reason(&self) -> WaitReason {
        WaitReason::from_u8(self.reason.get())
    }

    /// Called by the goroutine itself, before it publishes the waiter. See `core/g/status.rs`.
    #[inline]
    pub(crate) fn announce_park(&self, reason: WaitReason) {
        self.announce_park_for(reason, 0);
    }

    /// As [`G::announce_park`], and says in dumps what for: by its address.
    #[inline]
    pub(crate) fn announce_park_for(&self, reason: WaitReason, what: usize) {
        self.reason.set(reason as u8);
        self.note_wait(what);
        self.status.announce_park();
    }

    /// Opens a round of claims: for waits with several possible wakers.
    pub(crate) fn open_round(&self) -> WaitId {
        self.wait_round.open()
    }

    pub(crate) fn same(&self, other: &G) -> bool {
        std::ptr::eq(self, other)
    }
}

#[cfg(all(test, not(loom), feature = "ext"))]
mod lines {
    use super::*;
    use crate::core::base::alone::assert_lines;

    #[test]
    fn the_lines_are_those_of_the_page() {
        assert_lines!(G: status, reason, link, stack, block, wait_round, id, ext.stay, ext.waits_for,
            ext.last_m, ext.note, ext.parent, ext.identity, ext.timer, closure);
    }
}
