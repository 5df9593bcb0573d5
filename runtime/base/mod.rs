//! Words without a scheduler: atomics (real or loom's), static references, random order.

pub(crate) mod prim;
pub(crate) mod atomic_ref;
pub(crate) mod choice;
