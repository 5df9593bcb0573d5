//! All Ms, by number.
//!
//! An M's object is made once and never freed, so any thread may read it at any time. When its
//! thread has ended, the object is used for another thread, with the same number and another
//! [`Incarnation`]. Code that has kept the id of an M, whose thread may have ended, checks under
//! the scheduler's lock that the M still has this id: an M's thread is taken out of the records
//! under that lock.
//!
//! Go: runtime2.go allm; proc.go freem, sched.freem.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::{Acquire, Release};

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::base::m_id::{MAX_MS, MId};
use crate::core::base::owner_cell::OwnerCell;
use crate::core::m::machine::M;
use crate::ext::threads::incarnation::Incarnation;

/// Every M, by its number.
struct AllMs {
    /// Written by the spawner, once each.
    ms: [AtomicRef<M>; MAX_MS],
    /// One above the highest number ever used: how many objects there are.
    id_limit: OwnerCell<u32>,
}

static ALL_MS: AllMs = AllMs {
    ms: [const { AtomicRef::none() }; MAX_MS],
    id_limit: OwnerCell::zero(),
};

/// Every one whose thread has not ended.
pub(crate) fn all_ms() -> impl Iterator<Item = &'static M> {
    (0..ALL_MS.id_limit.peek()).filter_map(|number| m_by_id(MId::new(number)))
}

/// The M with this number, if its thread has not ended.
#[inline]
pub(crate) fn m_by_id(id: MId) -> Option<&'static M> {
    object(id).filter(|m| m.incarnation() != Incarnation::NONE)
}

/// The M whose thread this was, if it has not ended.
#[inline]
pub(crate) fn m_of(incarnation: Incarnation) -> Option<&'static M> {
    object(incarnation.id()).filter(|m| m.incarnation() == incarnation)
}

fn object(id: MId) -> Option<&'static M> {
    // Acquire pairs(all-ms): below.
    ALL_MS.ms.get(id.index())?.load(Acquire)
}

/// An M for a new thread: one that is free, or a new one. It is in the records when this returns.
/// Called by the spawner. `None`: there are too many.
pub(crate) fn new_m(seed: u64) -> Option<&'static M> {
    static COUNT: OwnerCell<u64> = OwnerCell::zero();
    let limit = ALL_MS.id_limit.get();
    let free = (0..limit).find_map(|number| object(MId::new(number)).filter(|m| m.take_free()));
    let m = match free {
        Some(m) => m,
        None if limit as usize == MAX_MS => return None,
        None => {
            let seed = seed ^ u64::from(limit).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let m: &'static M = Box::leak(Box::new(M::new(MId::new(limit), seed)));
            ALL_MS.ms[limit as usize].store(Some(m), Release); // pairs(all-ms): object's Acquire
            ALL_MS.id_limit.set(limit + 1);
            m
        }
    };
    let count = COUNT.get() + 1;
    COUNT.set(count);
    m.begin(Incarnation::new(count, m.id));
    Some(m)
}

/// How many objects there are, and how many of them are free.
pub(crate) fn counts() -> (usize, usize) {
    let made = ALL_MS.id_limit.peek();
    let free = (0..made)
        .filter_map(|number| object(MId::new(number)))
        .filter(|m| m.is_free());
    (made as usize, free.count())
}
