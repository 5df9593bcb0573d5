//! The machine: an OS thread that runs goroutines, and how it enters and leaves the runtime.

#[cfg(not(loom))]
pub(crate) mod machine;
#[cfg(not(loom))]
pub(crate) mod current;
#[cfg(not(loom))]
pub(crate) mod enter;
