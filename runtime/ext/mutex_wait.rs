//! How long goroutines have slept for mutexes, all together. Counted only where one has slept.
//!
//! Go: proc.go schedt.totalMutexWaitTime.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::sys::clock::Nanos;

static TOTAL: AtomicU64 = AtomicU64::new(0);

pub(crate) fn waited_for_mutex(nanos: Nanos) {
    TOTAL.fetch_add(nanos, Relaxed);
}

pub(crate) fn total() -> Nanos {
    TOTAL.load(Relaxed)
}
