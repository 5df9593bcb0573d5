//! gosched: the Go scheduler, in Rust.
//!
//! Layers, bottom first; a module imports only from those above it in this list.

mod base;
mod sys;
#[cfg(not(loom))]
mod stack;
mod g;
mod queue;
mod p;
mod m;
mod sched;
#[cfg(not(loom))]
mod chan;
#[cfg(not(loom))]
pub mod channel;
