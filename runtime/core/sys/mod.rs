//! The core's system calls; no other folder of the core makes any. There is one file for each
//! kind.

pub(crate) mod clock;
pub(crate) mod fatal;
#[cfg(not(loom))]
pub(crate) mod osyield;
pub(crate) mod futex;
pub(crate) mod note;
pub(crate) mod lock;
pub(crate) mod slot;
#[cfg(target_arch = "x86_64")]
pub(crate) mod cpu_x86_64;
#[cfg(target_arch = "x86_64")]
pub(crate) use cpu_x86_64 as cpu;
#[cfg(target_arch = "aarch64")]
pub(crate) mod cpu_aarch64;
#[cfg(target_arch = "aarch64")]
pub(crate) use cpu_aarch64 as cpu;
#[cfg(not(loom))]
pub(crate) mod mem;
