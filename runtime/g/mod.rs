//! What a goroutine is: its state, its context, its place in a list.

pub(crate) mod reason;
pub(crate) mod status;
pub(crate) mod claim;
pub(crate) mod job;
pub(crate) mod goroutine;
pub(crate) mod identity;
pub(crate) mod context;
pub(crate) mod list;
pub(crate) mod all;
