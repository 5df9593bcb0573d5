//! The two ends of a channel, to be cloned and dropped.
//!
//! The full runtime: `runtime/chan/sender.rs`, `runtime/chan/receiver.rs`.
#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::channel::Channel;
use crate::sched::ready;

/// A channel with room for `capacity` values. With none, a send waits for its receive. Go:
/// `make(chan T, capacity)`.
pub fn bounded<T: Send>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let channel = Arc::new(Channel::new(capacity));
    let end = || Arc::new(End(Arc::clone(&channel)));
    (Sender(end()), Receiver(end()))
}

/// The sending end. When the last one is dropped, the channel is closed.
pub struct Sender<T>(Arc<End<T>>);

/// The receiving end. When the last one is dropped, sends fail.
pub struct Receiver<T>(Arc<End<T>>);

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
        self.0.0.send(value)
    }

    /// Sends if that need not wait.
    ///
    /// # Errors
    /// When it would, or when the channel is closed.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let mut state = self.0.0.lock();
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
        self.0.0.close();
    }
}

impl<T> Receiver<T> {
    /// Receives, and waits while there is nothing. `None`: closed, and empty.
    ///
    /// # Panics
    /// When it has to wait on a thread that runs no goroutine.
    pub fn recv(&self) -> Option<T> {
        self.0.0.recv()
    }

    /// Receives if that need not wait.
    ///
    /// # Errors
    /// When it would, or when nothing will come any more.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let mut state = self.0.0.lock();
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

/// Of one end: when the last clone of it is dropped, so is this.
struct End<T>(Arc<Channel<T>>);

impl<T> Drop for End<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Sender(Arc::clone(&self.0))
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        Receiver(Arc::clone(&self.0))
    }
}
