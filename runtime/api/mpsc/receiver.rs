//! The receiving handle, which is the only one: neither cloned nor shared.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::mpsc::{RecvError, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use crate::channel;

/// Receives from a channel. When it is dropped, so are the messages on the way, and sends fail.
///
/// std: `std::sync::mpsc::Receiver`; as that one it cannot be shared.
///
/// ```compile_fail
/// let (_tx, rx) = gosched::sync::mpsc::channel::<i32>();
/// std::thread::scope(|s| {
///     s.spawn(|| rx.recv());
/// });
/// ```
pub struct Receiver<T> {
    pub(crate) inner: channel::Receiver<T>,
    not_sync: PhantomData<Cell<()>>,
}

impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> Receiver<T> {
    pub(crate) fn new(inner: channel::Receiver<T>) -> Receiver<T> {
        Receiver {
            inner,
            not_sync: PhantomData,
        }
    }

    /// Receives if a message is there.
    ///
    /// # Errors
    /// When there is none, or there is none and no sender left.
    ///
    /// # Examples
    /// ```
    /// use gosched::sync::mpsc::{TryRecvError, channel};
    ///
    /// let (tx, rx) = channel();
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    /// tx.send(5).unwrap();
    /// drop(tx);
    /// assert_eq!(rx.try_recv(), Ok(5));
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    /// ```
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.inner.try_recv().map_err(|error| match error {
            channel::TryRecvError::Empty => TryRecvError::Empty,
            channel::TryRecvError::Disconnected => TryRecvError::Disconnected,
        })
    }

    /// Receives, waiting for a message.
    ///
    /// # Errors
    /// When there is none and no sender left.
    ///
    /// # Examples
    /// ```
    /// use gosched::sync::mpsc::{RecvError, channel};
    ///
    /// let (tx, rx) = channel();
    /// tx.send(5).unwrap();
    /// drop(tx);
    /// assert_eq!((rx.recv(), rx.recv()), (Ok(5), Err(RecvError)));
    /// ```
    pub fn recv(&self) -> Result<T, RecvError> {
        self.inner.recv().map_err(|_| RecvError)
    }

    /// Receives, waiting for so long.
    ///
    /// # Errors
    /// When time runs out, or there is no message and no sender left.
    ///
    /// # Examples
    /// ```
    /// use gosched::sync::mpsc::{RecvTimeoutError, channel};
    /// use std::time::Duration;
    ///
    /// let (_tx, rx) = channel::<i32>();
    /// assert_eq!(rx.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    /// ```
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.inner
            .recv_timeout(timeout)
            .map_err(|error| match error {
                channel::RecvTimeoutError::Timeout => RecvTimeoutError::Timeout,
                channel::RecvTimeoutError::Disconnected => RecvTimeoutError::Disconnected,
            })
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
