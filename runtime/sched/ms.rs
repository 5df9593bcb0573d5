//! Every M there is, by id.
//!
//! Go: runtime2.go allm.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::base::atomic_ref::AtomicRef;
use crate::m::machine::M;

/// Most Ms there can be, whatever `Builder::max_threads` says.
pub(crate) const MAX_MS: usize = 1 << 15;

/// Written by the spawner; an M that ends clears its own place.
static ALL_MS: [AtomicRef<M>; MAX_MS] = [const { AtomicRef::none() }; MAX_MS];
/// One above the highest id ever used.
static ID_LIMIT: AtomicU32 = AtomicU32::new(0);

/// Every one whose thread has not ended.
pub(crate) fn all_ms() -> impl Iterator<Item = &'static M> {
    (0..ID_LIMIT.load(Relaxed)).filter_map(m_by_id)
}

/// The M with this id, if its thread has not ended.
#[inline]
pub(crate) fn m_by_id(id: u32) -> Option<&'static M> {
    // Acquire pairs(all-ms): set_m's Release.
    ALL_MS.get(id as usize)?.load(Acquire)
}

/// By the spawner; `None` by the M itself, at its end. `id` is below `MAX_MS`.
pub(crate) fn set_m(id: u32, m: Option<&'static M>) {
    // Release pairs(all-ms): m_by_id's Acquire.
    ALL_MS[id as usize].store(m, Release);
    ID_LIMIT.fetch_max(id + 1, Relaxed);
}
