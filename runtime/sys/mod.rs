//! The only door to the operating system: one file a concern.

pub(crate) mod clock;
pub(crate) mod fatal;
#[cfg(not(loom))]
pub(crate) mod errno;
pub(crate) mod moment;
#[cfg(not(loom))]
pub(crate) mod thread;
#[cfg(not(loom))]
pub(crate) mod inherited;
#[cfg(not(loom))]
mod tlsblock;
#[cfg(not(loom))]
pub(crate) mod tls;
#[cfg(not(loom))]
pub(crate) mod cputime;
#[cfg(not(loom))]
pub(crate) mod cputimer;
#[cfg(not(loom))]
pub(crate) mod cpus;
#[cfg(not(loom))]
pub(crate) mod cpulimit;
#[cfg(not(loom))]
pub(crate) mod membarrier;
pub(crate) mod futex;
pub(crate) mod note;
pub(crate) mod lock;
pub(crate) mod prefetch;
#[cfg(not(loom))]
pub(crate) mod mem;
#[cfg(not(loom))]
pub(crate) mod valgrind;
#[cfg(not(loom))]
pub(crate) mod allowance;
#[cfg(not(loom))]
pub(crate) mod tlssize;
#[cfg(not(loom))]
pub(crate) mod berth;
#[cfg(not(loom))]
pub(crate) mod helper;
#[cfg(not(loom))]
pub(crate) mod table;
#[cfg(not(loom))]
pub(crate) mod pagemap;
#[cfg(not(loom))]
pub(crate) mod ucontext;
#[cfg(not(loom))]
pub(crate) mod signal;
#[cfg(not(loom))]
pub(crate) mod exits;
