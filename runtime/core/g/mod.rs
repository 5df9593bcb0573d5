//! What a goroutine is: its state, its context, its place in a list.

pub(crate) mod wait_reason;
pub(crate) mod status;
pub(crate) mod wait_round;
#[cfg(not(loom))]
pub(crate) mod closure;
#[cfg(not(loom))]
pub(crate) mod goroutine;
#[cfg(all(target_arch = "x86_64", not(loom)))]
pub(crate) mod shim_x86_64;
#[cfg(all(target_arch = "x86_64", not(loom)))]
pub(crate) use shim_x86_64 as shim;
#[cfg(all(target_arch = "aarch64", not(loom)))]
pub(crate) mod shim_aarch64;
#[cfg(all(target_arch = "aarch64", not(loom)))]
pub(crate) use shim_aarch64 as shim;
#[cfg(not(loom))]
pub(crate) mod context;
#[cfg(not(loom))]
pub(crate) mod gqueue;
#[cfg(not(loom))]
pub(crate) mod free_gs;
