//! What a goroutine is: its state, its context, its place in a list.

pub(crate) mod reason;
pub(crate) mod status;
pub(crate) mod claim;
#[cfg(not(loom))]
pub(crate) mod job;
#[cfg(not(loom))]
pub(crate) mod goroutine;
#[cfg(not(loom))]
pub(crate) mod identity;
#[cfg(not(loom))]
pub(crate) mod context;
#[cfg(not(loom))]
pub(crate) mod list;
#[cfg(not(loom))]
pub(crate) mod all;
