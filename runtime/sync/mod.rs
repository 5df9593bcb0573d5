//! Locks and meeting points for goroutines and plain threads alike, under the names of `std`
//! and of Go. README.md has the protocols, and why no wake-up is lost.

pub(crate) mod parking;
#[cfg(loom)]
pub(crate) mod twin;
pub(crate) mod waiter;
pub(crate) mod semaroot;
pub(crate) mod sema;
pub(crate) mod waitlist;
pub(crate) mod notifylist;
pub(crate) mod spin;
pub(crate) mod rawmutex;
pub(crate) mod poison;
#[cfg(not(loom))]
mod mutex;
#[cfg(not(loom))]
mod condvar;
mod waitgroup;

#[cfg(not(loom))]
pub use condvar::{Condvar, WaitTimeoutResult};
#[cfg(not(loom))]
pub use mutex::{Mutex, MutexGuard};
#[cfg(not(loom))]
pub use std::sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult, Weak, atomic};
#[cfg(not(loom))]
pub use waitgroup::WaitGroup;
