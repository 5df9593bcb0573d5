//! The TLS guard: a goroutine that holds the address of a thread-local continues on that thread.

pub(crate) mod locals;
pub(crate) mod plain_scan;
#[cfg(target_arch = "x86_64")]
pub(crate) mod scan_x86_64;
#[cfg(target_arch = "aarch64")]
pub(crate) use plain_scan as cpu_scan;
#[cfg(target_arch = "x86_64")]
pub(crate) use scan_x86_64 as cpu_scan;
pub(crate) mod tls_scan;
pub(crate) mod tls_guard;
