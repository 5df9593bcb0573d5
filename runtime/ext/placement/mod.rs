//! Goroutines that run on one M and on no other: tied for a while, or locked.

pub(crate) mod affinity;
pub(crate) mod idle_ms;
pub(crate) mod tied;
pub(crate) mod locked_thread;
pub(crate) mod serve_refused;
