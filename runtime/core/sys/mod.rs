//! The core's system calls; no other folder of the core makes any. There is one file for each
//! kind.

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
