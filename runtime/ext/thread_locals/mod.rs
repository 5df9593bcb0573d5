//! The guard: a goroutine that holds on to a thread-local's address goes on on that thread.

pub(crate) mod locals;
pub(crate) mod tls_scan;
pub(crate) mod tls_guard;
