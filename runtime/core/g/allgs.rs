//! All Gs that were ever made: the slabs only grow, so dumps can walk them at any time.
//!
//! Go: proc.go allgs, gfget, gfput.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::g::goroutine::{G, GRef, Kind};
use crate::core::g::gqueue::GQueue;
use crate::core::sys::fatal::fatal;
use crate::core::sys::lock::RawLock;

/// Gs in one slab: 16 KiB.
pub(crate) const SLAB: usize = 64;

struct Slab {
    next: AtomicRef<Slab>,
    gs: Box<[G]>,
    /// What its Gs are for. The G of a foreign thread is never used for a goroutine: code that
    /// reads the G of a thread that has ended meanwhile still sees the G of a thread.
    kind: Kind,
}

/// Oldest slab first, so that dumps are roughly in the order of creation.
static FIRST: AtomicRef<Slab> = AtomicRef::none();
static LAST: AtomicRef<Slab> = AtomicRef::none();
static SLAB_COUNT: AtomicU32 = AtomicU32::new(0);

/// Dead Gs that no P holds. Guarded by its lock.
static FREE_LOCK: RawLock = RawLock::new();
static FREE: GQueue = GQueue::new();

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
    let before = LAST.swap(Some(slab), AcqRel);
    let link = before.map_or(&FIRST, |before| &before.next);
    // Release pairs(slabs): for_each's Acquire sees the slab's Gs initialised.
    link.store(Some(slab), Release);
    SLAB_COUNT.fetch_add(1, Relaxed);
    match slab.gs.split_first() {
        Some((first, rest)) => (first, rest),
        None => fatal!("a slab of no Gs"),
    }
}

/// How many there are, dead ones included.
pub(crate) fn count() -> usize {
    SLAB_COUNT.load(Relaxed) as usize * SLAB
}

/// Takes up to `max` dead Gs from the shared list into `out`; returns how many.
pub(crate) fn take_free(out: &GQueue, max: u32) -> u32 {
    if FREE.is_empty() {
        return 0;
    }
    FREE_LOCK.lock();
    let mut n = 0;
    while n < max
        && let Some(g) = FREE.pop_front()
    {
        out.push_front(g);
        n += 1;
    }
    FREE_LOCK.unlock();
    n
}

/// Puts dead Gs into the shared list.
pub(crate) fn give_free(gs: &GQueue) {
    FREE_LOCK.lock();
    FREE.append(gs);
    FREE_LOCK.unlock();
}

/// As [`for_each`], but only those of foreign threads: other slabs are passed over.
pub(crate) fn for_each_thread(mut f: impl FnMut(GRef)) {
    // Acquire pairs(slabs): new_slab's Release.
    let mut slab = FIRST.load(Acquire);
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
    let mut slab = FIRST.load(Acquire);
    while let Some(s) = slab {
        s.gs.iter().for_each(&mut f);
        slab = s.next.load(Acquire); // pairs(slabs)
    }
}
