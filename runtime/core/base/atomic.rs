//! The atomics of the protocol words: the standard library's, or loom's when a model runs.
//!
//! Files that hold a protocol in one word (status, claim, idle, note, lock) take their atomics
//! from here, so that loom checks the real code and not a copy of it.
#![forbid(unsafe_code)]

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, fence};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, fence};

pub(crate) use std::sync::atomic::Ordering;

/// Tells the CPU (or loom) that this is a busy wait.
#[inline]
pub(crate) fn spin_hint() {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    std::hint::spin_loop();
}
