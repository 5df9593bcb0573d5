//! Waiting for any descriptor that the kernel can watch: pipes, terminals, event and timer
//! descriptors, sockets of kinds that [`gosched::net`](crate::net) does not have.

pub(crate) mod async_fd;

pub use async_fd::Async;
