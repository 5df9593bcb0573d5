//! Basic types that do not know the scheduler: atomics (std's or loom's), static references,
//! words with one owner, ids of Ms, random order.

pub(crate) mod alone;
pub(crate) mod atomic;
pub(crate) mod atomic_ref;
#[cfg(not(loom))]
pub(crate) mod fastrand;
pub(crate) mod m_id;
pub(crate) mod owner_cell;
