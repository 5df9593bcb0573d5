//! Locks and other types for synchronisation, with the names of `std` and of Go. They work for
//! goroutines and for plain OS threads. core/wait/README.md has the protocols, and proves that no
//! wake-up is lost.

pub(crate) mod poison;
#[cfg(not(loom))]
pub(crate) mod mutex;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod condvar;
pub(crate) mod wait_group;
#[cfg(feature = "ext")]
pub(crate) mod once;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod once_lock;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod lazy_lock;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod rwlock_guards;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod rwlock;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod barrier;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod semaphore;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod semaphore_permit;

#[cfg(all(not(loom), feature = "ext"))]
pub use crate::api::err_group::ErrGroup;
#[cfg(all(not(loom), feature = "ext"))]
pub use crate::mpsc;
#[cfg(all(not(loom), feature = "ext"))]
pub use barrier::{Barrier, BarrierWaitResult};
#[cfg(all(not(loom), feature = "ext"))]
pub use condvar::{Condvar, WaitTimeoutResult};
#[cfg(all(not(loom), feature = "ext"))]
pub use lazy_lock::LazyLock;
#[cfg(not(loom))]
pub use mutex::{Mutex, MutexGuard};
#[cfg(all(not(loom), feature = "ext"))]
pub use once::{Once, OnceState};
#[cfg(all(not(loom), feature = "ext"))]
pub use once_lock::OnceLock;
#[cfg(all(not(loom), feature = "ext"))]
pub use rwlock::RwLock;
#[cfg(all(not(loom), feature = "ext"))]
pub use rwlock_guards::{RwLockReadGuard, RwLockWriteGuard};
#[cfg(all(not(loom), feature = "ext"))]
pub use semaphore::Semaphore;
#[cfg(all(not(loom), feature = "ext"))]
pub use semaphore_permit::{OwnedSemaphorePermit, SemaphorePermit};
#[cfg(all(not(loom), feature = "ext"))]
pub use std::sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult, Weak, atomic};
#[cfg(not(loom))]
pub use wait_group::WaitGroup;
