//! Basic types that do not know the scheduler: atomics (std's or loom's), static references,
//! random order.

pub(crate) mod atomic;
pub(crate) mod atomic_ref;
#[cfg(not(loom))]
pub(crate) mod fastrand;
