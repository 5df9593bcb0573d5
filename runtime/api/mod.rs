//! The public API. It makes no scheduling decision.

pub mod sync;
#[cfg(not(loom))]
pub mod channel;
#[cfg(not(loom))]
pub mod thread;
#[cfg(not(loom))]
pub(crate) mod go;
#[cfg(not(loom))]
pub(crate) mod wait_group_go;
#[cfg(not(loom))]
pub(crate) mod os_thread;
#[cfg(not(loom))]
pub mod goroutine;
#[cfg(not(loom))]
pub mod stack;
#[cfg(not(loom))]
pub mod time;
#[cfg(not(loom))]
pub mod mpsc;
#[cfg(not(loom))]
pub mod future;
#[cfg(not(loom))]
pub mod context;
#[cfg(not(loom))]
pub(crate) mod err_group;
#[cfg(not(loom))]
pub(crate) mod builder;
#[cfg(not(loom))]
pub(crate) mod run;
#[cfg(not(loom))]
pub(crate) mod debug;
#[cfg(not(loom))]
pub(crate) mod test_hooks;
