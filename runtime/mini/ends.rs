//! The two ends of a channel, to be cloned and dropped.
//!
//! The full runtime: `runtime/chan/sender.rs`, `runtime/chan/receiver.rs`.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};

use crate::channel::Channel;
use crate::sched::ready;

/// A channel with room for `capacity` values. With none, a send waits for its receive. Go:
/// `make(chan T, capacity)`.
pub fn bounded<T: Send>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Channel::new(capacity));
    let sender = Sender(End::new(&shared));
    (sender, Receiver(End::new(&shared)))
}

/// The sending end. When the last one is dropped, the channel is closed.
pub struct Sender<T>(End<T>);

/// The receiving end. When the last one is dropped, sends fail.
pub struct Receiver<T>(End<T>);

/// Why a value could not be sent at once; and the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// There is no room, and nobody waits for a value.
    Full(T),
    /// Nobody can receive any more.
    Closed(T),
}

/// Why nothing could be received at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// Nothing is here, and no sender waits.
    Empty,
    /// Nothing is here, and nothing will come.
    Closed,
}

impl<T> Sender<T> {
    /// Sends, and waits while there is no room.
    ///
    /// # Errors
    /// The value, if the channel is closed.
    ///
    /// # Panics
    /// When it has to wait on a thread that runs no goroutine.
    pub fn send(&self, value: T) -> Result<(), T> {
        self.0.channel.send(value)
    }

    /// Sends if that need not wait.
    ///
    /// # Errors
    /// When it would, or when the channel is closed.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let mut state = self.0.channel.lock();
        let offered = state.offer(value);
        let closed = state.closed;
        drop(state);
        match offered {
            Ok(woken) => {
                woken.map(ready);
                Ok(())
            }
            Err(value) if closed => Err(TrySendError::Closed(value)),
            Err(value) => Err(TrySendError::Full(value)),
        }
    }

    /// No more sends; what is in the channel can still be received. Go: `close`.
    pub fn close(&self) {
        self.0.channel.close();
    }
}

impl<T> Receiver<T> {
    /// Receives, and waits while there is nothing. `None`: closed, and empty.
    ///
    /// # Panics
    /// When it has to wait on a thread that runs no goroutine.
    pub fn recv(&self) -> Option<T> {
        self.0.channel.recv()
    }

    /// Receives if that need not wait.
    ///
    /// # Errors
    /// When it would, or when nothing will come any more.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let mut state = self.0.channel.lock();
        let accepted = state.accept();
        let closed = state.closed;
        drop(state);
        match accepted {
            Some((value, woken)) => {
                woken.map(ready);
                Ok(value)
            }
            None if closed => Err(TryRecvError::Closed),
            None => Err(TryRecvError::Empty),
        }
    }

    /// All values until the channel is closed.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.recv())
    }
}

/// A share of one side of a channel.
struct End<T> {
    channel: Arc<Channel<T>>,
    /// How many shares there are of this side.
    shares: Arc<AtomicUsize>,
}

impl<T> End<T> {
    fn new(channel: &Arc<Channel<T>>) -> End<T> {
        let channel = Arc::clone(channel);
        let shares = Arc::new(AtomicUsize::new(1));
        End { channel, shares }
    }
}

impl<T> Clone for End<T> {
    fn clone(&self) -> End<T> {
        self.shares.fetch_add(1, Relaxed);
        End {
            channel: Arc::clone(&self.channel),
            shares: Arc::clone(&self.shares),
        }
    }
}

impl<T> Drop for End<T> {
    fn drop(&mut self) {
        // AcqRel pairs(shares): what the others did with the channel comes before its end.
        if self.shares.fetch_sub(1, AcqRel) == 1 {
            self.channel.close();
        }
    }
}

macro_rules! end {
    ($($name:ident)*) => { $(
        impl<T> Clone for $name<T> {
            fn clone(&self) -> $name<T> {
                $name(self.0.clone())
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )* };
}

end! { Sender Receiver }
