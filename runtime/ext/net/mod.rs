//! The network poller: a goroutine that waits for a descriptor holds no thread. See `README.md`.

pub(crate) mod readiness;
#[cfg(not(loom))]
pub(crate) mod drained;
#[cfg(not(loom))]
pub(crate) mod poll_desc;
#[cfg(not(loom))]
pub(crate) mod alone;
#[cfg(not(loom))]
pub(crate) mod poller;
#[cfg(not(loom))]
pub(crate) mod io_wait;
