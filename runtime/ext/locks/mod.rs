//! The base of the other locks: `RwLock`, `Condvar`, `Once`; and of what is used in turns. The
//! protocols are in core/wait/README.md.

pub(crate) mod atomic_wait;
pub(crate) mod wait_list;
pub(crate) mod turn;
pub(crate) mod notify_list;
pub(crate) mod raw_rwlock;
