//! One waiter in a queue, on the stack of the goroutine that waits.
//!
//! Stacks never move, and a waiter does not leave [`Waiter::on_stack`] while it is queued: the
//! end of that function checks it. So queues link waiters by reference, and a wait allocates
//! nothing. A waker reads what it needs, dequeues the waiter, and does not touch it again: after
//! `ready` the waiter may be gone. README.md#waiter-on-stack.
//!
//! A channel's waiter is another type (`ext/chan/wait_queue.rs`): a select pins many of them before it
//! knows who waits, and each has a slot for a value and an outcome. This one has an address that it
//! waits for, and is a node of the tree of addresses. One type for both would be as long as the two
//! together, on every stack that waits.
//!
//! Go: runtime2.go sudog, which serves both.
#![allow(
    unsafe_code,
    reason = "lets a queue hold a reference to a waiter on another stack"
)]

use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::g::wait_round::WaitId;
use crate::core::sys::fatal::fatal;
use crate::core::wait::sched_api::GRef;

/// The state of a waiter. Written under its queue's lock, or by the waker that dequeued it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum WaiterState {
    /// Queued; its goroutine still runs and will look again before it parks.
    Enrolled = 0,
    /// Queued; its goroutine has announced its park: the waker that dequeues it readies it.
    Parked = 1,
    /// Dequeued, and has what it waited for.
    Served = 2,
}

/// See the file's header. The links belong to the queue that it is in, under its lock.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) g: GRef,
    /// What it waits for: an address in the semaphore table, an amount in a `Semaphore`.
    pub(crate) key: usize,
    /// The round to claim before readying it, when time may run out for it too.
    pub(crate) round: Option<WaitId>,
    standing: OwnerCell<u8>,
    queued: OwnerCell<bool>,
    /// In a list: the one before. In the tree: the smaller addresses.
    pub(crate) prev: OwnerRef<Waiter>,
    /// In a list: the one behind. In the tree: the larger addresses.
    pub(crate) next: OwnerRef<Waiter>,
    /// In the tree: the next and the last that wait for the same address.
    pub(crate) same: OwnerRef<Waiter>,
    pub(crate) last: OwnerRef<Waiter>,
}

impl Waiter {
    /// Runs `wait` with a waiter of the calling goroutine `g`. When `wait` is over, however it
    /// ends, the waiter must be out of every queue.
    pub(crate) fn on_stack<R>(
        g: GRef,
        key: usize,
        round: Option<WaitId>,
        wait: impl FnOnce(&'static Waiter) -> R,
    ) -> R {
        let waiter = Waiter {
            g,
            key,
            round,
            standing: OwnerCell::<u8>::new(WaiterState::Enrolled as u8),
            queued: OwnerCell::zero(),
            prev: OwnerRef::none(),
            next: OwnerRef::none(),
            same: OwnerRef::none(),
            last: OwnerRef::none(),
        };
        // SAFETY: the waiter lives until this function is left, and its destructor stops the
        // process if a queue could still reach it then. Queues drop the reference when they
        // clear `queued`, wakers before they ready the goroutine: their promise, see the header.
        wait(unsafe { &*std::ptr::from_ref(&waiter) })
    }

    pub(crate) fn standing(&self) -> WaiterState {
        match self.standing.get() {
            0 => WaiterState::Enrolled,
            1 => WaiterState::Parked,
            _ => WaiterState::Served,
        }
    }

    pub(crate) fn set_standing(&self, standing: WaiterState) {
        self.standing.set(standing as u8);
    }

    /// Called by the queue: it holds a reference now, or has dropped its last one.
    pub(crate) fn set_queued(&self, queued: bool) {
        self.queued.set(queued);
    }

    pub(crate) fn is_queued(&self) -> bool {
        self.queued.get()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        // loom unwinds a waiting thread when it has found a deadlock: let it report that.
        if self.is_queued() && !cfg!(loom) {
            fatal!("a goroutine left a wait while still queued");
        }
    }
}
