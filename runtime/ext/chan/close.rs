//! The end of a channel: `close`, or the drop of the last sender or the last receiver.
//!
//! All waiters are collected under the lock and readied after it, last in, first out:
//! receivers are collected first, then senders, so the receiver that has waited longest is
//! readied last, and runs next.
//!
//! Go: chan.go closechan.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicUsize, fence};

use crate::core::g::gqueue::GQueue;
use crate::core::m::enter::enter;
use crate::core::sys::fatal::fatal;
use crate::ext::chan::buffer::Store;
use crate::ext::chan::hchan::{Chan, Glance, State};
use crate::ext::chan::wait_queue::{Outcome, ready_all};

/// The channel had been closed before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AlreadyClosed;

impl<T> Chan<T> {
    /// No more sends; values in the buffer stay readable.
    pub(crate) fn close(&self) -> Result<(), AlreadyClosed> {
        let mut was_closed = false;
        self.end(|state| {
            was_closed = std::mem::replace(&mut state.closed, true);
            Store::None
        });
        if was_closed {
            Err(AlreadyClosed)
        } else {
            Ok(())
        }
    }

    /// Another handle on the same side.
    pub(crate) fn one_more(count: &AtomicUsize) {
        if count.fetch_add(1, Relaxed) > isize::MAX as usize {
            fatal!("too many handles to one channel");
        }
    }

    pub(crate) fn sender_gone(&self) {
        if is_last(&self.senders) {
            self.end(|state| {
                state.senders_gone = true;
                Store::None
            });
        }
    }

    /// The last receiver takes all values with it.
    pub(crate) fn receiver_gone(&self) {
        if is_last(&self.receivers) {
            let leftovers = self.end(|state| {
                state.receivers_gone = true;
                std::mem::replace(&mut state.store, Store::None)
            });
            drop(leftovers); // runs the values' code: outside of the runtime
        }
    }

    /// Marks the end and tells every waiter.
    fn end(&self, mark: impl FnOnce(&mut State<T>) -> Store<T>) -> Store<T> {
        let list = GQueue::new();
        let rt = enter();
        let mut state = self.state.lock(&rt);
        let leftovers = mark(&mut state);
        state.recvq.tell_all(Outcome::Closed, &list);
        state.sendq.tell_all(Outcome::Closed, &list);
        let glance = Glance(state.unlock());
        ready_all(&rt, &list);
        self.finish(rt, glance);
        leftovers
    }
}

fn is_last(count: &AtomicUsize) -> bool {
    // Release pairs(chan-handles): the last one's fence.
    if count.fetch_sub(1, Release) != 1 {
        return false;
    }
    // Acquire pairs(chan-handles): what was done through the other handles comes before.
    fence(Acquire);
    true
}
