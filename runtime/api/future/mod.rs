//! Between goroutines and futures: [`block_on`] lets a goroutine wait for a future; a
//! [`JoinHandle`](crate::thread::JoinHandle) and a
//! [`ScopedJoinHandle`](crate::thread::ScopedJoinHandle) are futures themselves, so that a task of
//! an executor can wait for a goroutine.
//!
//! This is no executor: the goroutine that waits for a future polls it. The future must bring
//! everything else that it needs, such as a reactor or a timer.

pub(crate) mod block_on;
pub(crate) mod join_future;

pub use block_on::block_on;
