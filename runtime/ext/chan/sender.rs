//! The sending handle. Go: a `chan<- T`.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ext::chan::errors::{SendError, SendTimeoutError, TrySendError};
use crate::ext::chan::hchan::Chan;
use crate::ext::chan::patience::Patience;

/// The sending side of a channel; clones send into the same channel.
///
/// When the last sender is dropped, the channel is disconnected: what it holds can still be
/// received, then receivers get an error. Goroutines and foreign threads may use it alike.
///
/// ```
/// let (s1, r) = gosched::channel::unbounded();
/// let s2 = s1.clone();
/// s1.send(1).unwrap();
/// s2.send(2).unwrap();
/// assert_eq!((r.recv(), r.recv()), (Ok(1), Ok(2)));
/// ```
pub struct Sender<T> {
    pub(crate) chan: Arc<Chan<T>>,
}

impl<T> Sender<T> {
    /// Sends if that does not block.
    ///
    /// With capacity zero it succeeds only if a receiver waits right now.
    ///
    /// # Errors
    /// The message comes back when the channel is full, disconnected or closed.
    ///
    /// ```
    /// use gosched::channel::{TrySendError, bounded};
    ///
    /// let (s, r) = bounded(1);
    /// assert_eq!(s.try_send(1), Ok(()));
    /// assert_eq!(s.try_send(2), Err(TrySendError::Full(2)));
    /// drop(r);
    /// assert_eq!(s.try_send(3), Err(TrySendError::Disconnected(3)));
    /// ```
    pub fn try_send(&self, msg: T) -> Result<(), TrySendError<T>> {
        self.chan.try_send(msg)
    }

    /// Sends, waiting for room, or with capacity zero for a receiver.
    ///
    /// # Errors
    /// The message comes back when the channel is disconnected or closed, also while waiting.
    /// Go panics there; for the same, `unwrap`.
    ///
    /// ```
    /// use gosched::channel::{SendError, bounded};
    ///
    /// let (s, r) = bounded(1);
    /// assert_eq!(s.send(1), Ok(()));
    /// drop(r);
    /// assert_eq!(s.send(2), Err(SendError(2)));
    /// ```
    pub fn send(&self, msg: T) -> Result<(), SendError<T>> {
        self.chan
            .send(msg, Patience::Endless)
            .map_err(|error| SendError(error.into_inner()))
    }

    /// Sends, waiting for so long.
    ///
    /// # Errors
    /// The message comes back when time runs out, or the channel is disconnected or closed.
    ///
    /// ```
    /// use gosched::channel::{SendTimeoutError, bounded};
    /// use std::time::Duration;
    ///
    /// let (s, _r) = bounded(0);
    /// let soon = Duration::from_millis(1);
    /// assert_eq!(s.send_timeout("hi", soon), Err(SendTimeoutError::Timeout("hi")));
    /// ```
    pub fn send_timeout(&self, msg: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.chan.send(msg, Patience::after(timeout))
    }

    /// Sends, waiting until then.
    ///
    /// # Errors
    /// As for [`send_timeout`](Sender::send_timeout).
    ///
    /// ```
    /// use gosched::channel::{SendTimeoutError, bounded};
    /// use std::time::Instant;
    ///
    /// let (s, _r) = bounded(0);
    /// assert_eq!(s.send_deadline(7, Instant::now()), Err(SendTimeoutError::Timeout(7)));
    /// ```
    pub fn send_deadline(&self, msg: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.chan.send(msg, Patience::until(deadline))
    }

    /// Closes the channel, as Go does: all waiters are woken, later sends fail through any of the
    /// senders, and what the channel holds can still be received.
    ///
    /// Dropping the last sender does the same, so `close` is for programs that cannot drop all
    /// senders.
    ///
    /// # Panics
    /// `close of closed channel`, when it had been closed by this method before.
    ///
    /// ```
    /// use gosched::channel::{RecvError, bounded};
    ///
    /// let (s, r) = bounded(1);
    /// s.send(1).unwrap();
    /// s.close();
    /// assert!(s.send(2).is_err());
    /// assert_eq!((r.recv(), r.recv()), (Ok(1), Err(RecvError)));
    /// ```
    #[track_caller]
    pub fn close(&self) {
        if self.chan.close().is_err() {
            panic!("close of closed channel");
        }
    }

    /// Is there no message in the channel? Always so with capacity zero.
    ///
    /// ```
    /// let (s, r) = gosched::channel::bounded(1);
    /// assert!(s.is_empty());
    /// s.send(1).unwrap();
    /// assert!(!s.is_empty() && !r.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.chan.is_empty()
    }

    /// Is there no room in the channel? Always so with capacity zero.
    ///
    /// ```
    /// let (s, r) = gosched::channel::bounded(1);
    /// assert!(!s.is_full());
    /// s.send(1).unwrap();
    /// assert!(s.is_full() && r.is_full());
    /// ```
    pub fn is_full(&self) -> bool {
        self.chan.is_full()
    }

    /// How many messages the channel holds. Go: len.
    ///
    /// ```
    /// let (s, r) = gosched::channel::bounded(1);
    /// s.send(1).unwrap();
    /// assert_eq!((s.len(), r.len()), (1, 1));
    /// ```
    pub fn len(&self) -> usize {
        self.chan.len()
    }

    /// How many messages the channel can hold; `None`: as many as memory. Go: cap.
    ///
    /// ```
    /// use gosched::channel::{bounded, unbounded};
    ///
    /// assert_eq!(unbounded::<i32>().0.capacity(), None);
    /// assert_eq!(bounded::<i32>(5).0.capacity(), Some(5));
    /// ```
    #[doc(alias = "cap")]
    pub fn capacity(&self) -> Option<usize> {
        self.chan.capacity
    }

    /// Do both send into the same channel?
    ///
    /// ```
    /// let (s, _r) = gosched::channel::bounded::<u8>(1);
    /// let (other, _r) = gosched::channel::bounded::<u8>(1);
    /// assert!(s.same_channel(&s.clone()) && !s.same_channel(&other));
    /// ```
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        Arc::ptr_eq(&self.chan, &other.chan)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Chan::<T>::one_more(&self.chan.senders);
        Sender {
            chan: Arc::clone(&self.chan),
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.chan.sender_gone();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Sender { .. }")
    }
}
