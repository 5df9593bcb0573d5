//! The work after an operation on a channel: waking watchers, and freeing blocks.
//!
//! `README.md#watchers`: every operation that may have made a channel ready ends here, after the
//! unlock and before a park.
#![forbid(unsafe_code)]

use crate::core::g::gqueue::GQueue;
use crate::core::m::enter::{NoPreempt, enter};
use crate::ext::chan::hchan::{Chan, Glance};
use crate::ext::chan::wait_queue::{Outcome, ready_all};

impl<T> Chan<T> {
    /// The end of a visit: leaves the runtime.
    #[inline]
    pub(crate) fn finish(&self, rt: NoPreempt, glance: Glance) {
        if glance.watched() {
            self.notify(&rt);
        }
        drop(rt);
        if glance.has_excess() {
            self.sweep();
        }
    }

    /// Wakes the watchers of the operations that are possible now.
    #[cold]
    pub(crate) fn notify(&self, rt: &NoPreempt) {
        let list = GQueue::new();
        let mut state = self.state.lock(rt);
        if state.can_recv() {
            state.recv_watch.tell_all(Outcome::Done, &list);
        }
        if state.can_send() {
            state.send_watch.tell_all(Outcome::Done, &list);
        }
        drop(state);
        ready_all(rt, &list);
    }

    /// Frees blocks. Outside of the runtime.
    #[cold]
    pub(crate) fn sweep(&self) {
        let rt = enter();
        let excess = self.state.lock(&rt).store.excess();
        drop(rt);
        drop(excess);
    }
}
