//! The list of idle Ms, last in, first out. Ms whose threads goroutines wait for are behind all
//! others. An M in the middle can be taken out. The scheduler's lock guards the list. Go: midle.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::m::machine::M;

#[derive(Debug)]
pub(crate) struct IdleMs {
    first: OwnerRef<M>,
    /// Where those are that are needed; how many.
    last: OwnerRef<M>,
    needed: OwnerCell<u32>,
    len: OwnerCell<u32>,
    /// How often one was taken out.
    wakes: OwnerCell<u32>,
}

/// An M's place in the list, beside `idle_link`.
#[derive(Debug)]
pub(crate) struct IdleLinks {
    prev: OwnerRef<M>,
    listed: OwnerCell<bool>,
    /// It is in the list as one whose thread goroutines wait for.
    needed: OwnerCell<bool>,
}

impl IdleLinks {
    pub(crate) fn new() -> IdleLinks {
        IdleLinks {
            prev: OwnerRef::none(),
            listed: OwnerCell::zero(),
            needed: OwnerCell::zero(),
        }
    }

    pub(crate) fn is_needed(&self) -> bool {
        self.needed.get()
    }
}

/// What became of an attempt to wake an M.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Sleeper {
    /// It slept, is in no list any more, and is the caller's to wake.
    Taken,
    Awake,
}

impl IdleMs {
    pub(crate) const fn new() -> IdleMs {
        IdleMs {
            first: OwnerRef::none(),
            last: OwnerRef::none(),
            needed: OwnerCell::zero(),
            len: OwnerCell::zero(),
            wakes: OwnerCell::zero(),
        }
    }

    pub(crate) fn first(&self) -> Option<&'static M> {
        self.first.get()
    }

    /// How many there are. May be read without the lock, as a hint; so may the next one.
    pub(crate) fn len(&self) -> u32 {
        self.len.peek()
    }

    /// How many there are whose threads goroutines wait for.
    pub(crate) fn needed(&self) -> u32 {
        self.needed.peek()
    }

    pub(crate) fn push(&self, m: &'static M) {
        let needed = m.affinity.waiting.load(Relaxed) != 0 || m.affinity.stepped_aside.get();
        m.affinity.stepped_aside.set(false);
        m.idle_links.needed.set(needed);
        let (prev, next) = if needed {
            self.needed.add(1);
            (self.last.get(), None)
        } else {
            (None, self.first())
        };
        m.idle_links.prev.set(prev);
        m.idle_link.set(next);
        self.link(prev, Some(m), Some(m), next);
        m.idle_links.listed.set(true);
        self.len.add(1);
    }

    pub(crate) fn pop(&self) -> Option<&'static M> {
        let m = self.first()?;
        let taken = self.take(m);
        debug_assert!(
            taken == Sleeper::Taken,
            "the head of the list is in the list"
        );
        Some(m)
    }

    pub(crate) fn wakes(&self) -> u32 {
        self.wakes.get()
    }

    /// An idle M, or an M that waits for its own goroutine, is about to be woken.
    pub(crate) fn count_wake(&self) {
        self.wakes.add(1);
    }

    /// Makes `after` what follows `prev`, and `before` what precedes `next`.
    fn link(
        &self,
        prev: Option<&'static M>,
        after: Option<&'static M>,
        before: Option<&'static M>,
        next: Option<&'static M>,
    ) {
        let link = prev.map_or(&self.first, |prev| &prev.idle_link);
        link.set(after);
        let link = next.map_or(&self.last, |next| &next.idle_links.prev);
        link.set(before);
    }

    /// Takes this one out, if it is in the list.
    pub(crate) fn take(&self, m: &'static M) -> Sleeper {
        if !m.idle_links.listed.get() {
            return Sleeper::Awake;
        }
        let next = m.idle_link.take();
        let prev = m.idle_links.prev.take();
        self.link(prev, next, prev, next);
        if m.idle_links.is_needed() {
            self.needed.sub(1);
        }
        m.idle_links.listed.set(false);
        self.len.sub(1);
        self.count_wake();
        Sleeper::Taken
    }
}
