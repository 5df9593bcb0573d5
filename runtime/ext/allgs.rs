//! All Gs that were ever made: the slabs only grow, so dumps can walk them at any time.
//!
//! Go: proc.go allgs.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::g::goroutine::{G, GRef};
use crate::core::sys::fatal::fatal;
use crate::ext::kind::Kind;

/// Gs in one slab: 16 KiB.
pub(crate) const SLAB: usize = 64;

struct Slab {
    next: AtomicRef<Slab>,
    gs: Box<[G]>,
    /// What its Gs are for. The G of a foreign thread is never used for a goroutine: code that
    /// reads the G of a thread that has ended meanwhile still sees the G of a thread.
    kind: Kind,
}

/// Every slab, in a list that only grows.
struct AllGs {
    /// Oldest slab first, so that dumps are roughly in the order of creation.
    first: AtomicRef<Slab>,
    last: AtomicRef<Slab>,
    slabs: AtomicU32,
}

static ALL_GS: AllGs = AllGs {
    first: AtomicRef::none(),
    last: AtomicRef::none(),
    slabs: AtomicU32::new(0),
};

/// Allocates one slab of dead Gs and registers it; returns its first G and the others. Allocates:
/// never in a non-preemptible region.
///
/// One by one into a box of their own: as an array they would be built on the caller's stack,
/// which is a goroutine's, and make five more of its pages resident.
pub(crate) fn new_slab(kind: Kind) -> (GRef, &'static [G]) {
    let slab: &'static Slab = Box::leak(Box::new(Slab {
        next: AtomicRef::none(),
        gs: std::iter::repeat_with(G::new).take(SLAB).collect(),
        kind,
    }));
    slab.gs.iter().for_each(|g| g.set_kind(kind));
    // AcqRel pairs(slabs): the next one to append sees our slab before it links to it.
    let before = ALL_GS.last.swap(Some(slab), AcqRel);
    let link = before.map_or(&ALL_GS.first, |before| &before.next);
    // Release pairs(slabs): for_each's Acquire sees the slab's Gs initialised.
    link.store(Some(slab), Release);
    ALL_GS.slabs.fetch_add(1, Relaxed);
    match slab.gs.split_first() {
        Some((first, rest)) => (first, rest),
        None => fatal!("a slab of no Gs"),
    }
}

/// How many there are, dead ones included.
pub(crate) fn count() -> usize {
    ALL_GS.slabs.load(Relaxed) as usize * SLAB
}

/// As [`for_each`], but only those of foreign threads: other slabs are passed over.
pub(crate) fn for_each_thread(mut f: impl FnMut(GRef)) {
    // Acquire pairs(slabs): new_slab's Release.
    let mut slab = ALL_GS.first.load(Acquire);
    while let Some(s) = slab {
        if s.kind == Kind::Thread {
            s.gs.iter().for_each(&mut f);
        }
        slab = s.next.load(Acquire); // pairs(slabs)
    }
}

/// Calls `f` with every G there is, dead ones included.
pub(crate) fn for_each(mut f: impl FnMut(GRef)) {
    // Acquire pairs(slabs): new_slab's Release.
    let mut slab = ALL_GS.first.load(Acquire);
    while let Some(s) = slab {
        s.gs.iter().for_each(&mut f);
        slab = s.next.load(Acquire); // pairs(slabs)
    }
}
