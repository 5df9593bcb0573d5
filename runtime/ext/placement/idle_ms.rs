//! The idle Ms, last in, first out: behind all others those whose threads goroutines wait for. One in
//! the middle can be taken out. Under the scheduler's lock. Go: midle.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32};

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::m::machine::M;
use crate::core::sched::schedt::add;

#[derive(Debug)]
pub(crate) struct IdleMs {
    first: AtomicRef<M>,
    /// Where those are that are needed; how many.
    last: AtomicRef<M>,
    needed: AtomicU32,
    len: AtomicU32,
    /// How often one was taken out.
    wakes: AtomicU32,
}

/// An M's place in the list, beside `idle_link`.
#[derive(Debug)]
pub(crate) struct IdleLinks {
    prev: AtomicRef<M>,
    listed: AtomicBool,
    /// It is in the list as one whose thread goroutines wait for.
    needed: AtomicBool,
}

impl IdleLinks {
    pub(crate) fn new() -> IdleLinks {
        IdleLinks {
            prev: AtomicRef::none(),
            listed: AtomicBool::new(false),
            needed: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_needed(&self) -> bool {
        self.needed.load(Relaxed)
    }
}

impl IdleMs {
    pub(crate) const fn new() -> IdleMs {
        IdleMs {
            first: AtomicRef::none(),
            last: AtomicRef::none(),
            needed: AtomicU32::new(0),
            len: AtomicU32::new(0),
            wakes: AtomicU32::new(0),
        }
    }

    pub(crate) fn first(&self) -> Option<&'static M> {
        self.first.load(Relaxed)
    }

    /// How many there are. May be read without the lock, as a hint; so may the next one.
    pub(crate) fn len(&self) -> u32 {
        self.len.load(Relaxed)
    }

    /// How many there are whose threads goroutines wait for.
    pub(crate) fn needed(&self) -> u32 {
        self.needed.load(Relaxed)
    }

    pub(crate) fn push(&self, m: &'static M) {
        let needed =
            m.affinity.waiting.load(Relaxed) != 0 || m.affinity.stepped_aside.load(Relaxed);
        m.affinity.stepped_aside.store(false, Relaxed);
        m.idle_links.needed.store(needed, Relaxed);
        let (prev, next) = if needed {
            add(&self.needed, 1);
            (self.last.load(Relaxed), None)
        } else {
            (None, self.first())
        };
        m.idle_links.prev.store(prev, Relaxed);
        m.idle_link.store(next, Relaxed);
        self.link(prev, Some(m), Some(m), next);
        m.idle_links.listed.store(true, Relaxed);
        add(&self.len, 1);
    }

    pub(crate) fn pop(&self) -> Option<&'static M> {
        let m = self.first()?;
        let taken = self.take(m);
        debug_assert!(taken, "the head of the list is in the list");
        Some(m)
    }

    pub(crate) fn wakes(&self) -> u32 {
        self.wakes.load(Relaxed)
    }

    /// An idle M, or one that waits for its own, is about to be woken.
    pub(crate) fn count_wake(&self) {
        add(&self.wakes, 1);
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
        link.store(after, Relaxed);
        let link = next.map_or(&self.last, |next| &next.idle_links.prev);
        link.store(before, Relaxed);
    }

    /// Takes this one out; false if it is not in the list.
    pub(crate) fn take(&self, m: &'static M) -> bool {
        if !m.idle_links.listed.load(Relaxed) {
            return false;
        }
        let next = m.idle_link.take_relaxed();
        let prev = m.idle_links.prev.take_relaxed();
        self.link(prev, next, prev, next);
        if m.idle_links.is_needed() {
            add(&self.needed, 1u32.wrapping_neg());
        }
        m.idle_links.listed.store(false, Relaxed);
        add(&self.len, 1u32.wrapping_neg());
        self.count_wake();
        true
    }
}
