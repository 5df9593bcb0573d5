//! The TLS guard: a goroutine that holds the address of a thread-local continues on that thread.

pub(crate) mod locals;
pub(crate) mod tls_scan;
pub(crate) mod tls_guard;
