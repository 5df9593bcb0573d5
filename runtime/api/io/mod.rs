//! Waiting for descriptors that are no sockets of [`gosched::net`](crate::net): pipes and standard input, with
//! std's names and behaviour, and any descriptor that the kernel can watch.

pub(crate) mod async_fd;
pub(crate) mod pipe_end;
pub(crate) mod pipe;
pub(crate) mod stdin;

pub use async_fd::Async;
pub use pipe::{PipeReader, PipeWriter, pipe};
pub use stdin::{Stdin, StdinLock, stdin};
