//! Goroutines that run on one M and nowhere else: for a while, or locked to it.

pub(crate) mod affinity;
pub(crate) mod idle_ms;
pub(crate) mod tied;
pub(crate) mod locked_thread;
