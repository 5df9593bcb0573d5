//! The same source on `runtime/mini`, as far as it goes. mini's names are a little shorter.

pub(crate) mod thread {
    pub(crate) use gosched_mini::{spawn, yield_now};
}

pub(crate) mod sync {
    use std::convert::Infallible;

    pub(crate) use std::sync::Arc;

    pub(crate) struct Mutex<T>(gosched_mini::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            Mutex(gosched_mini::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> Result<gosched_mini::MutexGuard<'_, T>, Infallible> {
            Ok(self.0.lock())
        }
    }
}

pub(crate) mod channel {
    pub(crate) use gosched_mini::Sender;

    pub(crate) struct Receiver<T>(gosched_mini::Receiver<T>);

    pub(crate) fn bounded<T: Send>(capacity: usize) -> (Sender<T>, Receiver<T>) {
        let (to, from) = gosched_mini::bounded(capacity);
        (to, Receiver(from))
    }

    impl<T> Receiver<T> {
        pub(crate) fn recv(&self) -> Option<T> {
            self.0.recv()
        }

        pub(crate) fn iter(&self) -> impl Iterator<Item = T> {
            self.0.iter()
        }
    }

    impl<T> Clone for Receiver<T> {
        fn clone(&self) -> Receiver<T> {
            Receiver(self.0.clone())
        }
    }

    /// Receives until the channel is closed.
    pub(crate) struct Values<R>(R);

    impl<T> Iterator for Values<Receiver<T>> {
        type Item = T;
        fn next(&mut self) -> Option<T> {
            self.0.recv()
        }
    }

    impl<T> Iterator for Values<&Receiver<T>> {
        type Item = T;
        fn next(&mut self) -> Option<T> {
            self.0.recv()
        }
    }

    impl<T> IntoIterator for Receiver<T> {
        type Item = T;
        type IntoIter = Values<Receiver<T>>;
        fn into_iter(self) -> Values<Receiver<T>> {
            Values(self)
        }
    }

    impl<'a, T> IntoIterator for &'a Receiver<T> {
        type Item = T;
        type IntoIter = Values<&'a Receiver<T>>;
        fn into_iter(self) -> Values<&'a Receiver<T>> {
            Values(self)
        }
    }
}

#[path = "channels.rs"]
pub(crate) mod channels;
#[path = "tasks.rs"]
pub(crate) mod tasks;
#[path = "work.rs"]
pub(crate) mod work;
