//! Foreign threads, which are not the runtime's, may use its locks and channels: each waits in a
//! G of its own.

#[cfg(not(loom))]
pub(crate) mod foreign_parked;
#[cfg(not(loom))]
pub(crate) mod foreign;
pub(crate) mod handback;
#[cfg(not(loom))]
pub(crate) mod park_thread;
