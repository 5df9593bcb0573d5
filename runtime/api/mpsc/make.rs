//! The two kinds of channels: without a bound, and with one.
#![forbid(unsafe_code)]

use crate::api::mpsc::receiver::Receiver;
use crate::api::mpsc::sender::{Sender, SyncSender};
use crate::channel::bounded;
use crate::channel::unbounded;

/// A channel whose sends never wait.
///
/// # Examples
/// ```
/// let (tx, rx) = gosched::sync::mpsc::channel();
/// tx.send("first").unwrap();
/// tx.send("second").unwrap();
/// assert_eq!((rx.recv(), rx.recv()), (Ok("first"), Ok("second")));
/// ```
///
/// std: `std::sync::mpsc::channel`
#[must_use]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = unbounded();
    (Sender(sender), Receiver::new(receiver))
}

/// A channel that holds up to `bound` messages; a send waits for room. With zero, it waits for
/// its receive.
///
/// # Panics
/// When the buffer would be larger than memory can be.
///
/// # Examples
/// ```
/// use gosched::sync::mpsc::{TrySendError, sync_channel};
///
/// let (tx, rx) = sync_channel(1);
/// tx.send(1).unwrap();
/// assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
/// assert_eq!(rx.recv(), Ok(1));
/// ```
///
/// std: `std::sync::mpsc::sync_channel`
#[must_use]
#[track_caller]
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let (sender, receiver) = bounded(bound);
    (SyncSender(sender), Receiver::new(receiver))
}
