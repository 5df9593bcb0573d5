//! The extras, which the scheduler works without: preemption, timers, thread-locals, dumps,
//! channels. Each folder is a chapter that can be skipped on a first reading.

#[cfg(not(loom))]
pub(crate) mod linux;
pub(crate) mod timers;
#[cfg(not(loom))]
pub(crate) mod settings;
#[cfg(not(loom))]
pub(crate) mod scavenge;
#[cfg(not(loom))]
pub(crate) mod growth;
pub(crate) mod diagnostics;
#[cfg(not(loom))]
pub(crate) mod thread_locals;
pub(crate) mod preempt;
#[cfg(not(loom))]
pub(crate) mod placement;
#[cfg(not(loom))]
pub(crate) mod world;
#[cfg(not(loom))]
pub(crate) mod hooks;
#[cfg(not(loom))]
pub(crate) mod chan;
