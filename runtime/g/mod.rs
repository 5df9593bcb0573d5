//! What a goroutine is: its state, its context, its place in a list.

pub(crate) mod reason;
pub(crate) mod status;
pub(crate) mod handback;
#[cfg(all(test, loom))]
mod stopped;
pub(crate) mod claim;
#[cfg(not(loom))]
pub(crate) mod job;
#[cfg(not(loom))]
pub(crate) mod stay;
#[cfg(not(loom))]
pub(crate) mod incarnation;
#[cfg(not(loom))]
pub(crate) mod panics;
#[cfg(not(loom))]
pub(crate) mod goroutine;
#[cfg(not(loom))]
pub(crate) mod identity;
#[cfg(not(loom))]
pub(crate) mod locals;
#[cfg(all(target_arch = "x86_64", not(loom)))]
mod shim_x86_64;
#[cfg(all(target_arch = "aarch64", not(loom)))]
mod shim_aarch64;
#[cfg(not(loom))]
pub(crate) mod context;
#[cfg(not(loom))]
pub(crate) mod list;
#[cfg(not(loom))]
pub(crate) mod all;
