//! What can go wrong with a channel operation. Names and texts are crossbeam-channel's.
//!
//! An error of a send carries the message back to the caller.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;

/// `Sender::send` failed: the channel is disconnected, or closed.
///
/// The message is inside.
///
/// ```
/// let (s, r) = gosched::channel::bounded(1);
/// drop(r);
/// assert_eq!(s.send(5).unwrap_err().into_inner(), 5);
/// ```
#[derive(PartialEq, Eq, Clone, Copy)]
pub struct SendError<T>(pub T);

/// `Sender::try_send` failed.
///
/// The message is inside.
///
/// ```
/// let (s, r) = gosched::channel::bounded(1);
/// s.send(1).unwrap();
/// assert!(s.try_send(2).unwrap_err().is_full());
/// drop(r);
/// assert!(s.try_send(3).unwrap_err().is_disconnected());
/// ```
#[derive(PartialEq, Eq, Clone, Copy)]
pub enum TrySendError<T> {
    /// The channel is full; with capacity zero: no receiver was waiting.
    Full(T),
    /// The channel is disconnected, or closed.
    Disconnected(T),
}

/// `Sender::send_timeout` or `Sender::send_deadline` failed.
///
/// The message is inside.
///
/// ```
/// use std::time::Duration;
///
/// let (s, r) = gosched::channel::bounded(0);
/// assert!(s.send_timeout(2, Duration::from_millis(1)).unwrap_err().is_timeout());
/// drop(r);
/// assert!(s.send_timeout(3, Duration::from_millis(1)).unwrap_err().is_disconnected());
/// ```
#[derive(PartialEq, Eq, Clone, Copy)]
pub enum SendTimeoutError<T> {
    /// Time ran out while the channel was full, or no receiver came.
    Timeout(T),
    /// The channel is disconnected, or closed.
    Disconnected(T),
}

/// `Receiver::recv` failed: the channel is empty and disconnected, or closed.
///
/// ```
/// let (s, r) = gosched::channel::bounded::<u8>(1);
/// drop(s);
/// assert_eq!(r.recv(), Err(gosched::channel::RecvError));
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct RecvError;

/// `Receiver::try_recv` failed.
///
/// ```
/// let (s, r) = gosched::channel::bounded::<u8>(1);
/// assert!(r.try_recv().unwrap_err().is_empty());
/// drop(s);
/// assert!(r.try_recv().unwrap_err().is_disconnected());
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub enum TryRecvError {
    /// The channel is empty; with capacity zero: no sender was waiting.
    Empty,
    /// The channel is empty and disconnected, or closed.
    Disconnected,
}

/// `Receiver::recv_timeout` or `Receiver::recv_deadline` failed.
///
/// ```
/// use std::time::Duration;
///
/// let (s, r) = gosched::channel::bounded::<u8>(1);
/// assert!(r.recv_timeout(Duration::from_millis(1)).unwrap_err().is_timeout());
/// drop(s);
/// assert!(r.recv_timeout(Duration::from_millis(1)).unwrap_err().is_disconnected());
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub enum RecvTimeoutError {
    /// Time ran out while the channel was empty, or no sender came.
    Timeout,
    /// The channel is empty and disconnected, or closed.
    Disconnected,
}

/// `Select::try_select` failed: no operation was ready.
///
/// ```
/// use gosched::channel::{Select, TrySelectError, never};
///
/// let nothing = never::<u8>();
/// let mut select = Select::new();
/// select.recv(&nothing);
/// assert!(matches!(select.try_select(), Err(TrySelectError)));
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct TrySelectError;

/// `Select::select_timeout` failed: no operation was ready in time.
///
/// ```
/// use std::time::Duration;
/// use gosched::channel::{Select, SelectTimeoutError, never};
///
/// let nothing = never::<u8>();
/// let mut select = Select::new();
/// select.recv(&nothing);
/// assert!(matches!(select.select_timeout(Duration::ZERO), Err(SelectTimeoutError)));
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct SelectTimeoutError;

/// `Select::try_ready` failed: no operation was ready.
///
/// ```
/// use gosched::channel::{Select, TryReadyError, never};
///
/// let nothing = never::<u8>();
/// let mut select = Select::new();
/// select.recv(&nothing);
/// assert!(matches!(select.try_ready(), Err(TryReadyError)));
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct TryReadyError;

/// `Select::ready_timeout` failed: no operation was ready in time.
///
/// ```
/// use std::time::Duration;
/// use gosched::channel::{Select, ReadyTimeoutError, never};
///
/// let nothing = never::<u8>();
/// let mut select = Select::new();
/// select.recv(&nothing);
/// assert!(matches!(select.ready_timeout(Duration::ZERO), Err(ReadyTimeoutError)));
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct ReadyTimeoutError;

/// Text and the `Error` trait for an error that carries a message.
macro_rules! carrying {
    ($name:ident, $($variant:pat => $debug:literal, $text:literal;)*) => {
        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $($variant => f.pad($debug),)* }
            }
        }

        impl<T> fmt::Display for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $($variant => f.pad($text),)* }
            }
        }

        impl<T: Send> Error for $name<T> {}
    };
}

carrying! { SendError,
    SendError(_) => "SendError(..)", "sending on a disconnected channel";
}
carrying! { TrySendError,
    TrySendError::Full(_) => "Full(..)", "sending on a full channel";
    TrySendError::Disconnected(_) => "Disconnected(..)", "sending on a disconnected channel";
}
carrying! { SendTimeoutError,
    SendTimeoutError::Timeout(_) => "SendTimeoutError(..)", "timed out waiting on send operation";
    SendTimeoutError::Disconnected(_) =>
        "SendTimeoutError(..)", "sending on a disconnected channel";
}

/// Text and the `Error` trait for an error that carries nothing.
macro_rules! plain {
    ($name:ident, $($variant:pat => $text:literal;)*) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $($variant => f.pad($text),)* }
            }
        }

        impl Error for $name {}
    };
}

plain! { RecvError, RecvError => "receiving on an empty and disconnected channel"; }
plain! { TryRecvError,
    TryRecvError::Empty => "receiving on an empty channel";
    TryRecvError::Disconnected => "receiving on an empty and disconnected channel";
}
plain! { RecvTimeoutError,
    RecvTimeoutError::Timeout => "timed out waiting on receive operation";
    RecvTimeoutError::Disconnected => "channel is empty and disconnected";
}
plain! { TrySelectError, TrySelectError => "all operations in select would block"; }
plain! { SelectTimeoutError, SelectTimeoutError => "timed out waiting on select"; }
plain! { TryReadyError, TryReadyError => "all operations in select would block"; }
plain! { ReadyTimeoutError, ReadyTimeoutError => "timed out waiting on select"; }

impl<T> From<SendError<T>> for TrySendError<T> {
    fn from(SendError(value): SendError<T>) -> TrySendError<T> {
        TrySendError::Disconnected(value)
    }
}

impl<T> From<SendError<T>> for SendTimeoutError<T> {
    fn from(SendError(value): SendError<T>) -> SendTimeoutError<T> {
        SendTimeoutError::Disconnected(value)
    }
}

impl From<RecvError> for TryRecvError {
    fn from(RecvError: RecvError) -> TryRecvError {
        TryRecvError::Disconnected
    }
}

impl From<RecvError> for RecvTimeoutError {
    fn from(RecvError: RecvError) -> RecvTimeoutError {
        RecvTimeoutError::Disconnected
    }
}

impl<T> SendError<T> {
    /// The message back.
    ///
    /// ```
    /// let (s, r) = gosched::channel::unbounded();
    /// drop(r);
    /// assert_eq!(s.send("lost").unwrap_err().into_inner(), "lost");
    /// ```
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> TrySendError<T> {
    /// The message back.
    ///
    /// ```
    /// let (s, _r) = gosched::channel::bounded(0);
    /// assert_eq!(s.try_send("nobody waits").unwrap_err().into_inner(), "nobody waits");
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            TrySendError::Full(value) | TrySendError::Disconnected(value) => value,
        }
    }

    /// Was the channel full?
    pub fn is_full(&self) -> bool {
        matches!(self, TrySendError::Full(_))
    }

    /// Was the channel disconnected?
    pub fn is_disconnected(&self) -> bool {
        matches!(self, TrySendError::Disconnected(_))
    }
}

impl<T> SendTimeoutError<T> {
    /// The message back.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let (s, _r) = gosched::channel::bounded(0);
    /// let error = s.send_timeout("late", Duration::from_millis(1)).unwrap_err();
    /// assert_eq!(error.into_inner(), "late");
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            SendTimeoutError::Timeout(value) | SendTimeoutError::Disconnected(value) => value,
        }
    }

    /// Did time run out?
    pub fn is_timeout(&self) -> bool {
        matches!(self, SendTimeoutError::Timeout(_))
    }

    /// Was the channel disconnected?
    pub fn is_disconnected(&self) -> bool {
        matches!(self, SendTimeoutError::Disconnected(_))
    }
}

impl TryRecvError {
    /// Was the channel empty, but not disconnected?
    pub fn is_empty(&self) -> bool {
        matches!(self, TryRecvError::Empty)
    }

    /// Was the channel disconnected?
    pub fn is_disconnected(&self) -> bool {
        matches!(self, TryRecvError::Disconnected)
    }
}

impl RecvTimeoutError {
    /// Did time run out?
    pub fn is_timeout(&self) -> bool {
        matches!(self, RecvTimeoutError::Timeout)
    }

    /// Was the channel disconnected?
    pub fn is_disconnected(&self) -> bool {
        matches!(self, RecvTimeoutError::Disconnected)
    }
}
