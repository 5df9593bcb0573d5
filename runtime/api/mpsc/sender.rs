//! The sending handles: of an unbounded channel, and of a bounded one.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::mpsc::{SendError, TrySendError};

use crate::channel;

/// Sends into a channel without a bound; clones send into the same.
///
/// When the last one is dropped, the receiver gets what there is, then an error.
///
/// # Examples
/// See [`Sender::send`].
///
/// std: `std::sync::mpsc::Sender`
pub struct Sender<T>(pub(crate) channel::Sender<T>);

impl<T> Sender<T> {
    /// Sends without waiting. That it worked does not say that the message is received.
    ///
    /// # Errors
    /// The message comes back when the receiver has gone.
    ///
    /// # Examples
    /// ```
    /// use gosched::sync::mpsc::{SendError, channel};
    ///
    /// let (tx, rx) = channel();
    /// assert_eq!(tx.send(1), Ok(()));
    /// drop(rx);
    /// assert_eq!(tx.send(2), Err(SendError(2)));
    /// ```
    pub fn send(&self, msg: T) -> Result<(), SendError<T>> {
        self.0.send(msg).map_err(|error| SendError(error.0))
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Sender(self.0.clone())
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// Sends into a channel with a bound; clones send into the same.
///
/// # Examples
/// See [`SyncSender::send`].
///
/// std: `std::sync::mpsc::SyncSender`
pub struct SyncSender<T>(pub(crate) channel::Sender<T>);

impl<T> SyncSender<T> {
    /// Sends, waiting for room, or with bound zero for the receiver.
    ///
    /// # Errors
    /// The message comes back when the receiver has gone, also while waiting.
    ///
    /// # Examples
    /// ```
    /// let (tx, rx) = gosched::sync::mpsc::sync_channel(0);
    /// let sender = std::thread::spawn(move || tx.send("from hand to hand"));
    /// assert_eq!(rx.recv(), Ok("from hand to hand"));
    /// assert_eq!(sender.join().unwrap(), Ok(()));
    /// ```
    pub fn send(&self, msg: T) -> Result<(), SendError<T>> {
        self.0.send(msg).map_err(|error| SendError(error.0))
    }

    /// Sends if that does not block.
    ///
    /// # Errors
    /// The message comes back when the channel is full (with bound zero: no receiver waits), or
    /// the receiver has gone.
    ///
    /// # Examples
    /// ```
    /// use gosched::sync::mpsc::{TrySendError, sync_channel};
    ///
    /// let (tx, rx) = sync_channel(1);
    /// assert_eq!(tx.try_send(1), Ok(()));
    /// assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    /// drop(rx);
    /// assert_eq!(tx.try_send(3), Err(TrySendError::Disconnected(3)));
    /// ```
    pub fn try_send(&self, msg: T) -> Result<(), TrySendError<T>> {
        self.0.try_send(msg).map_err(|error| match error {
            channel::TrySendError::Full(msg) => TrySendError::Full(msg),
            channel::TrySendError::Disconnected(msg) => TrySendError::Disconnected(msg),
        })
    }
}

impl<T> Clone for SyncSender<T> {
    fn clone(&self) -> SyncSender<T> {
        SyncSender(self.0.clone())
    }
}

impl<T> fmt::Debug for SyncSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncSender").finish_non_exhaustive()
    }
}
