//! Words without a scheduler: atomics (real or loom's), static references, ids of Ms, random order.

pub(crate) mod atomic;
pub(crate) mod atomic_ref;
#[cfg(not(loom))]
pub(crate) mod fastrand;
pub(crate) mod m_id;
