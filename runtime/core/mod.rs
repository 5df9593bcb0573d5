//! The scheduler: G, M and P, their queues, and who runs next. Read this part first.
//!
//! `hooks` is what it asks of the extras; where there are none (`--no-default-features`), that is
//! `hooks_off`.

#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod hooks;
pub(crate) mod base;
pub(crate) mod sys;
pub(crate) mod g;
pub(crate) mod p;
pub(crate) mod m;
#[cfg(not(loom))]
pub(crate) mod sched;
pub(crate) mod wait;
#[cfg(not(feature = "ext"))]
pub(crate) mod plain_stack;
#[cfg(not(feature = "ext"))]
pub(crate) mod hooks_off;

#[cfg(not(feature = "ext"))]
pub(crate) use hooks_off as hooks;
