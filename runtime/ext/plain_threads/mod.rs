//! Threads that are not the runtime's use its locks and channels, too: each has a G for that.

#[cfg(not(loom))]
pub(crate) mod foreign_parked;
#[cfg(not(loom))]
pub(crate) mod foreign;
pub(crate) mod handback;
#[cfg(not(loom))]
pub(crate) mod park_thread;
