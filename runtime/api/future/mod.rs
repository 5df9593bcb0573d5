//! Between goroutines and futures: [`block_on`] lets a goroutine wait for a future; a
//! [`JoinHandle`](crate::thread::JoinHandle) and a
//! [`ScopedJoinHandle`](crate::thread::ScopedJoinHandle) are futures themselves, so that a task of
//! an executor can wait for a goroutine.
//!
//! This is no executor: a future that is awaited here is polled by the goroutine that waits for
//! it. What the future needs (a reactor, a timer of its own) is its own affair.

pub(crate) mod block_on;
pub(crate) mod join_future;

pub use block_on::block_on;
