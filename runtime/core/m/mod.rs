//! The machine: an OS thread that runs goroutines, and the door into the runtime.

#[cfg(not(loom))]
pub(crate) mod machine;
#[cfg(not(loom))]
pub(crate) mod current;
#[cfg(not(loom))]
pub(crate) mod enter;
