//! Waiting on a word in memory: the semaphore table, and Go's locks on top of it.

pub(crate) mod sched_api;
#[cfg(loom)]
pub(crate) mod loom_sched;
pub(crate) mod waiter;
pub(crate) mod sema_root;
pub(crate) mod sema;
pub(crate) mod spin;
pub(crate) mod owner;
pub(crate) mod raw_mutex;
