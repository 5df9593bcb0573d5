//! The machine: an OS thread that runs goroutines, and how it enters and leaves the runtime.

pub(crate) mod retake;
#[cfg(not(loom))]
pub(crate) mod pending;
#[cfg(not(loom))]
pub(crate) mod machine;
#[cfg(not(loom))]
pub(crate) mod foreign_parked;
#[cfg(not(loom))]
pub(crate) mod current;
#[cfg(not(loom))]
pub(crate) mod foreign;
#[cfg(not(loom))]
pub(crate) mod enter;
