//! Words without a scheduler: atomics (real or loom's), random order.
#![forbid(unsafe_code)]

pub(crate) mod prim;
pub(crate) mod choice;
