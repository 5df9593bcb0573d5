//! A goroutine's handle as a future: its end calls the waker of the last poll.
//!
//! The protocol is in `api/thread/join.rs`.
#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::thread::JoinHandle;
use crate::thread::Result;
use crate::thread::ScopedJoinHandle;

/// Waits for the goroutine to end, as [`join`](JoinHandle::join) does, in a task.
///
/// Dropping it detaches the goroutine, which runs on.
///
/// # Panics
/// When it is polled again after it was ready.
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let task = async {
///         let handle = gosched::thread::spawn(|| 6 * 7);
///         handle.await.unwrap()
///     };
///     assert_eq!(gosched::future::block_on(task), 42);
/// }) };
/// ```
impl<T> Future for JoinHandle<T> {
    type Output = Result<T>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.packet.poll(cx.waker()) {
            Poll::Ready(self.packet.take())
        } else {
            Poll::Pending
        }
    }
}

/// As a [`JoinHandle`]. Whether it is awaited or not, the scope waits for the goroutine.
///
/// # Panics
/// When it is polled again after it was ready.
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let words = ["to", "be"];
///     let n = gosched::thread::scope(|s| {
///         let [to, be] = words.map(|word| s.spawn(|| word.len()));
///         gosched::future::block_on(async { to.await.unwrap() + be.await.unwrap() })
///     });
///     assert_eq!(n, 4);
/// }) };
/// ```
impl<T> Future for ScopedJoinHandle<'_, T> {
    type Output = Result<T>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.packet().poll(cx.waker()) {
            Poll::Ready(self.packet().take())
        } else {
            Poll::Pending
        }
    }
}
