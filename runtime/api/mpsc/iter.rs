//! Iterators over the messages of a receiver. They end when no sender is left; `try_iter` also
//! ends when there is no message.
#![forbid(unsafe_code)]

use crate::api::mpsc::receiver::Receiver;

/// Waits for each message. See [`Receiver::iter`].
#[derive(Debug)]
pub struct Iter<'a, T> {
    rx: &'a Receiver<T>,
}

/// Takes the messages that are there. See [`Receiver::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, T> {
    rx: &'a Receiver<T>,
}

/// Waits for each message, and owns the receiver.
///
/// # Examples
/// See [`mpsc`](crate::mpsc).
#[derive(Debug)]
pub struct IntoIter<T> {
    rx: Receiver<T>,
}

impl<T> Receiver<T> {
    /// The messages as they come, waiting for each, until no sender is left.
    ///
    /// # Examples
    /// ```
    /// let (tx, rx) = gosched::sync::mpsc::channel();
    /// (1..=3).for_each(|i| tx.send(i).unwrap());
    /// drop(tx);
    /// assert!(rx.iter().eq([1, 2, 3]));
    /// ```
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { rx: self }
    }

    /// The messages that are there, without waiting.
    ///
    /// # Examples
    /// ```
    /// let (tx, rx) = gosched::sync::mpsc::channel();
    /// assert_eq!(rx.try_iter().next(), None);
    /// (1..=3).for_each(|i| tx.send(i).unwrap());
    /// assert!(rx.try_iter().eq([1, 2, 3]));
    /// ```
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { rx: self }
    }
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.rx.recv().ok()
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.rx.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.rx.recv().ok()
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { rx: self }
    }
}
