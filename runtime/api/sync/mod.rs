//! Locks and other types for synchronisation, with the names of `std` and of Go. They work for
//! goroutines and for plain OS threads. core/wait/README.md has the protocols, and proves that no
//! wake-up is lost.

pub(crate) mod poison;
#[cfg(not(loom))]
pub(crate) mod mutex;
#[cfg(not(loom))]
pub(crate) mod condvar;
pub(crate) mod wait_group;
pub(crate) mod once;
#[cfg(not(loom))]
pub(crate) mod once_lock;
#[cfg(not(loom))]
pub(crate) mod lazy_lock;
#[cfg(not(loom))]
pub(crate) mod rwlock_guards;
#[cfg(not(loom))]
pub(crate) mod rwlock;
#[cfg(not(loom))]
pub(crate) mod barrier;
#[cfg(not(loom))]
pub(crate) mod semaphore;
#[cfg(not(loom))]
pub(crate) mod semaphore_permit;

#[cfg(not(loom))]
pub use crate::api::err_group::ErrGroup;
#[cfg(not(loom))]
pub use crate::mpsc;
#[cfg(not(loom))]
pub use barrier::{Barrier, BarrierWaitResult};
#[cfg(not(loom))]
pub use condvar::{Condvar, WaitTimeoutResult};
#[cfg(not(loom))]
pub use lazy_lock::LazyLock;
#[cfg(not(loom))]
pub use mutex::{Mutex, MutexGuard};
#[cfg(not(loom))]
pub use once::{Once, OnceState};
#[cfg(not(loom))]
pub use once_lock::OnceLock;
#[cfg(not(loom))]
pub use rwlock::RwLock;
#[cfg(not(loom))]
pub use rwlock_guards::{RwLockReadGuard, RwLockWriteGuard};
#[cfg(not(loom))]
pub use semaphore::Semaphore;
#[cfg(not(loom))]
pub use semaphore_permit::{OwnedSemaphorePermit, SemaphorePermit};
#[cfg(not(loom))]
pub use std::sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult, Weak, atomic};
#[cfg(not(loom))]
pub use wait_group::WaitGroup;
