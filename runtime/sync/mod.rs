//! Locks and meeting points for goroutines and plain threads alike, under the names of `std`
//! and of Go. README.md has the protocols, and why no wake-up is lost.

pub(crate) mod parking;
#[cfg(loom)]
pub(crate) mod twin;
pub(crate) mod waiter;
pub(crate) mod semaroot;
pub(crate) mod sema;
pub(crate) mod change;
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
mod once;
#[cfg(not(loom))]
mod oncelock;
#[cfg(not(loom))]
mod lazylock;
pub(crate) mod rawrwlock;
#[cfg(not(loom))]
mod rwguard;
#[cfg(not(loom))]
mod rwlock;
#[cfg(not(loom))]
mod barrier;
#[cfg(not(loom))]
mod semaphore;

#[cfg(not(loom))]
pub use crate::{errgroup::ErrGroup, mpsc};
#[cfg(not(loom))]
pub use barrier::{Barrier, BarrierWaitResult};
#[cfg(not(loom))]
pub use condvar::{Condvar, WaitTimeoutResult};
#[cfg(not(loom))]
pub use lazylock::LazyLock;
#[cfg(not(loom))]
pub use mutex::{Mutex, MutexGuard};
#[cfg(not(loom))]
pub use once::{Once, OnceState};
#[cfg(not(loom))]
pub use oncelock::OnceLock;
#[cfg(not(loom))]
pub use rwguard::{RwLockReadGuard, RwLockWriteGuard};
#[cfg(not(loom))]
pub use rwlock::RwLock;
#[cfg(not(loom))]
pub use semaphore::Semaphore;
#[cfg(not(loom))]
pub use std::sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult, Weak, atomic};
#[cfg(not(loom))]
pub use waitgroup::WaitGroup;
