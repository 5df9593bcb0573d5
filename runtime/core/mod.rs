//! The scheduler: G, M and P, their queues, and who runs next. Read this part first.

#[cfg(not(loom))]
pub(crate) mod hooks;
pub(crate) mod base;
pub(crate) mod sys;
pub(crate) mod g;
pub(crate) mod p;
pub(crate) mod m;
#[cfg(not(loom))]
pub(crate) mod sched;
pub(crate) mod wait;
