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

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::g::incarnation::Incarnation;
pub(crate) use crate::core::g::incarnation::MAX_MS;
use crate::core::m::machine::M;

/// Written by the spawner, once each.
static ALL_MS: [AtomicRef<M>; MAX_MS] = [const { AtomicRef::none() }; MAX_MS];
/// One above the highest number ever used: how many objects there are.
static ID_LIMIT: AtomicU32 = AtomicU32::new(0);

/// Every one whose thread has not ended.
pub(crate) fn all_ms() -> impl Iterator<Item = &'static M> {
    (0..ID_LIMIT.load(Relaxed)).filter_map(m_by_id)
}

/// The M with this number, if its thread has not ended.
#[inline]
pub(crate) fn m_by_id(id: u32) -> Option<&'static M> {
    object(id as usize).filter(|m| m.incarnation() != Incarnation::NONE)
}

/// The M whose thread this was, if it has not ended.
#[inline]
pub(crate) fn m_of(incarnation: Incarnation) -> Option<&'static M> {
    object(incarnation.number()).filter(|m| m.incarnation() == incarnation)
}

fn object(id: usize) -> Option<&'static M> {
    // Acquire pairs(all-ms): below.
    ALL_MS.get(id)?.load(Acquire)
}

/// An M for a new thread: one that is free, or a new one. It is in the records when this returns.
/// Called by the spawner. `None`: there are too many.
pub(crate) fn new_m(seed: u64) -> Option<&'static M> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let limit = ID_LIMIT.load(Relaxed);
    let free = (0..limit).find_map(|id| object(id as usize).filter(|m| m.take_free()));
    let m = match free {
        Some(m) => m,
        None if limit as usize == MAX_MS => return None,
        None => {
            let seed = seed ^ u64::from(limit).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let m: &'static M = Box::leak(Box::new(M::new(limit, seed)));
            ALL_MS[limit as usize].store(Some(m), Release); // pairs(all-ms): object's Acquire
            ID_LIMIT.store(limit + 1, Relaxed);
            m
        }
    };
    let count = COUNT.load(Relaxed) + 1;
    COUNT.store(count, Relaxed);
    m.begin(Incarnation::new(count, m.id));
    Some(m)
}

/// How many objects there are, and how many of them are free.
pub(crate) fn counts() -> (usize, usize) {
    let made = ID_LIMIT.load(Relaxed);
    let free = (0..made)
        .filter_map(|id| object(id as usize))
        .filter(|m| m.is_free());
    (made as usize, free.count())
}
