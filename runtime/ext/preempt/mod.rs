//! Preemption and handoff: a goroutine that computes for long, or blocks in the kernel, loses its
//! P.

#[cfg(not(loom))]
pub(crate) mod pending;
pub(crate) mod retake;
#[cfg(all(test, loom))]
pub(crate) mod preempted_model;
#[cfg(not(loom))]
pub(crate) mod handoff;
#[cfg(not(loom))]
pub(crate) mod deaf;
#[cfg(not(loom))]
pub(crate) mod preempt_signal;
#[cfg(not(loom))]
pub(crate) mod door;
#[cfg(not(loom))]
mod nap;
#[cfg(not(loom))]
pub(crate) mod sysmon;
