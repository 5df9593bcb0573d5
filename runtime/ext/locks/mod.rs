//! The base of the other locks: `RwLock`, `Condvar`, `Once`. The protocols are in
//! core/wait/README.md.

pub(crate) mod atomic_wait;
pub(crate) mod wait_list;
pub(crate) mod notify_list;
pub(crate) mod raw_rwlock;
