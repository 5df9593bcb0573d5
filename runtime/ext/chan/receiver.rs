//! The receiving handle. Go: a `<-chan T`.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ext::chan::errors::{RecvError, RecvTimeoutError, TryRecvError};
use crate::ext::chan::hchan::Chan;
use crate::ext::chan::never::wait_for_nothing;
use crate::ext::chan::patience::Patience;
use crate::ext::chan::timer_chan::TimerChan;

/// The receiving side of a channel; clones receive from the same channel, each message once.
///
/// When the last receiver is dropped, the channel is disconnected: the messages that it holds
/// are dropped, and sends fail.
///
/// ```
/// let (s, r) = gosched::channel::bounded(4);
/// std::thread::spawn(move || (1..=3).for_each(|i| s.send(i).unwrap()));
/// assert_eq!(r.iter().sum::<i32>(), 6); // ends when the sender has gone
/// ```
pub struct Receiver<T> {
    pub(crate) flavor: Flavor<T>,
}

/// Where messages come from.
pub(crate) enum Flavor<T> {
    Chan(Arc<Chan<T>>),
    Timer(Arc<TimerChan<T>>),
    Never,
}

impl<T> Receiver<T> {
    pub(crate) fn of(chan: Arc<Chan<T>>) -> Receiver<T> {
        Receiver {
            flavor: Flavor::Chan(chan),
        }
    }

    /// Receives if that does not block.
    ///
    /// # Errors
    /// When the channel is empty, or empty and disconnected or closed.
    ///
    /// ```
    /// use gosched::channel::{TryRecvError, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
    /// s.send(5).unwrap();
    /// drop(s);
    /// assert_eq!(r.try_recv(), Ok(5));
    /// assert_eq!(r.try_recv(), Err(TryRecvError::Disconnected));
    /// ```
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        match &self.flavor {
            Flavor::Chan(chan) => chan.try_recv(),
            Flavor::Timer(timer) => timer.try_recv(),
            Flavor::Never => Err(TryRecvError::Empty),
        }
    }

    /// Receives, waiting for a message.
    ///
    /// # Errors
    /// When the channel is empty and disconnected or closed, or becomes so.
    ///
    /// ```
    /// use gosched::channel::{RecvError, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// s.send(5).unwrap();
    /// drop(s);
    /// assert_eq!((r.recv(), r.recv()), (Ok(5), Err(RecvError)));
    /// ```
    pub fn recv(&self) -> Result<T, RecvError> {
        self.recv_for(Patience::Endless).map_err(|_| RecvError)
    }

    /// Receives, waiting for so long.
    ///
    /// # Errors
    /// When time runs out, or the channel is empty and disconnected or closed.
    ///
    /// ```
    /// use gosched::channel::{RecvTimeoutError, bounded};
    /// use std::time::Duration;
    ///
    /// let (_s, r) = bounded::<i32>(1);
    /// assert_eq!(r.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    /// ```
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_for(Patience::after(timeout))
    }

    /// Receives, waiting until then.
    ///
    /// # Errors
    /// As for [`recv_timeout`](Receiver::recv_timeout).
    ///
    /// ```
    /// use gosched::channel::{RecvTimeoutError, bounded};
    /// use std::time::Instant;
    ///
    /// let (_s, r) = bounded::<i32>(1);
    /// assert_eq!(r.recv_deadline(Instant::now()), Err(RecvTimeoutError::Timeout));
    /// ```
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_for(Patience::until(deadline))
    }

    #[inline]
    fn recv_for(&self, patience: Patience) -> Result<T, RecvTimeoutError> {
        match &self.flavor {
            Flavor::Chan(chan) => chan.recv(patience),
            Flavor::Timer(timer) => timer.recv(patience),
            Flavor::Never => {
                wait_for_nothing(patience);
                Err(RecvTimeoutError::Timeout)
            }
        }
    }

    /// Is there no message in the channel? Always so with capacity zero.
    ///
    /// ```
    /// let (s, r) = gosched::channel::bounded(1);
    /// assert!(r.is_empty());
    /// s.send(1).unwrap();
    /// assert!(!r.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        match &self.flavor {
            Flavor::Chan(chan) => chan.is_empty(),
            Flavor::Timer(timer) => timer.is_empty(),
            Flavor::Never => true,
        }
    }

    /// Is there no room in the channel? Always so with capacity zero.
    ///
    /// ```
    /// let (s, r) = gosched::channel::bounded(1);
    /// assert!(!r.is_full());
    /// s.send(1).unwrap();
    /// assert!(r.is_full());
    /// ```
    pub fn is_full(&self) -> bool {
        match &self.flavor {
            Flavor::Chan(chan) => chan.is_full(),
            Flavor::Timer(timer) => !timer.is_empty(),
            Flavor::Never => true,
        }
    }

    /// How many messages the channel holds. Go: len.
    ///
    /// ```
    /// let (s, r) = gosched::channel::bounded(1);
    /// s.send(1).unwrap();
    /// assert_eq!(r.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        match &self.flavor {
            Flavor::Chan(chan) => chan.len(),
            Flavor::Timer(timer) => usize::from(!timer.is_empty()),
            Flavor::Never => 0,
        }
    }

    /// How many messages the channel can hold; `None`: as many as memory. Go: cap.
    ///
    /// ```
    /// use gosched::channel::{bounded, unbounded};
    ///
    /// assert_eq!(bounded::<u8>(3).1.capacity(), Some(3));
    /// assert_eq!(unbounded::<u8>().1.capacity(), None);
    /// ```
    #[doc(alias = "cap")]
    pub fn capacity(&self) -> Option<usize> {
        match &self.flavor {
            Flavor::Chan(chan) => chan.capacity,
            Flavor::Timer(_) => Some(1),
            Flavor::Never => Some(0),
        }
    }

    /// Do both receive from the same channel? All that [`never`](crate::channel::never) makes are one.
    ///
    /// ```
    /// let (_s, r) = gosched::channel::bounded::<u8>(1);
    /// assert!(r.same_channel(&r.clone()));
    /// assert!(!r.same_channel(&gosched::channel::never()));
    /// ```
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        match (&self.flavor, &other.flavor) {
            (Flavor::Chan(a), Flavor::Chan(b)) => Arc::ptr_eq(a, b),
            (Flavor::Timer(a), Flavor::Timer(b)) => Arc::ptr_eq(a, b),
            (Flavor::Never, Flavor::Never) => true,
            _ => false,
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        let flavor = match &self.flavor {
            Flavor::Chan(chan) => {
                Chan::<T>::one_more(&chan.receivers);
                Flavor::Chan(Arc::clone(chan))
            }
            Flavor::Timer(timer) => Flavor::Timer(Arc::clone(timer)),
            Flavor::Never => Flavor::Never,
        };
        Receiver { flavor }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if let Flavor::Chan(chan) = &self.flavor {
            chan.receiver_gone();
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Receiver { .. }")
    }
}
