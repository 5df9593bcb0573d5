//! The only door to the operating system: one file a concern.

pub(crate) mod clock;
pub(crate) mod fatal;
#[cfg(not(loom))]
pub(crate) mod osyield;
pub(crate) mod futex;
pub(crate) mod note;
pub(crate) mod lock;
pub(crate) mod prefetch;
#[cfg(not(loom))]
pub(crate) mod mem;
