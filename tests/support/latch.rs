//! A count that one waiter parks for: made of park and unpark alone, so that it adds nothing of
//! its own to the orders that tests compare.

#![allow(dead_code, reason = "each test program uses its part")]

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use gosched::thread::{self, Thread};

/// Made by the one that waits.
#[derive(Clone, Debug)]
pub(crate) struct Latch(Arc<(AtomicUsize, Thread)>);

impl Latch {
    /// For `n` calls of [`Latch::done`]; the calling goroutine (or thread) will wait.
    pub(crate) fn new(n: usize) -> Latch {
        Latch(Arc::new((AtomicUsize::new(n), thread::current())))
    }

    /// One more is expected.
    pub(crate) fn add(&self) {
        self.0.0.fetch_add(1, SeqCst);
    }

    /// One has come; the last one unparks the waiter.
    pub(crate) fn done(&self) {
        if self.0.0.fetch_sub(1, SeqCst) == 1 {
            self.0.1.unpark();
        }
    }

    pub(crate) fn left(&self) -> usize {
        self.0.0.load(SeqCst)
    }

    /// Parks until all have come. By the maker.
    pub(crate) fn wait(&self) {
        while self.left() != 0 {
            thread::park();
        }
    }
}
