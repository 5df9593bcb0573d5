//! The public API. It makes no scheduling decision.
//!
//! Without the extras (`--no-default-features`) there are `small`, and `Mutex` and `WaitGroup` of `sync`.

pub mod sync;
#[cfg(all(not(loom), feature = "ext"))]
pub mod channel;
#[cfg(feature = "ext")]
pub mod thread;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod go;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod wait_group_go;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod os_thread;
#[cfg(all(not(loom), feature = "ext"))]
pub mod goroutine;
#[cfg(all(not(loom), feature = "ext"))]
pub mod stack;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod goroutines;
#[cfg(all(not(loom), feature = "ext"))]
pub mod metrics;
#[cfg(all(not(loom), feature = "ext"))]
pub mod time;
#[cfg(all(not(loom), feature = "ext"))]
pub mod mpsc;
#[cfg(all(not(loom), feature = "ext"))]
pub mod future;
#[cfg(all(not(loom), feature = "ext"))]
pub mod context;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod err_group;
#[cfg(all(not(loom), feature = "ext"))]
pub mod net;
#[cfg(all(not(loom), feature = "ext"))]
pub mod io;
#[cfg(all(not(loom), feature = "ext"))]
pub mod process;
#[cfg(all(not(loom), feature = "ext"))]
pub mod os;
#[cfg(all(not(loom), feature = "ext"))]
pub mod signal;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod builder;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod run;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod debug;
#[cfg(all(not(loom), feature = "ext"))]
pub mod trace;
#[cfg(all(not(loom), feature = "ext"))]
pub(crate) mod test_hooks;
#[cfg(not(feature = "ext"))]
pub(crate) mod small;
