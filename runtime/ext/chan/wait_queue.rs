//! First-in-first-out queues of waiters; the nodes are on the waiters' stacks.
//!
//! A node is pinned from the moment it may be queued; leaving its stack frame while it is queued
//! ends the process (`README.md#no-dangling-node`). A queue belongs to a channel and is touched
//! only under that channel's lock. A waker *catches* a node: it takes the node out of the queue
//! and, if other wakers compete, wins its claim. From then until `Wake::ready`, node and slot
//! belong to the waker (`README.md#one-hand`).
//!
//! Go: runtime2.go sudog, waitq; chan.go enqueue, dequeue; select.go dequeueSudoG.
#![allow(unsafe_code, reason = "links nodes on other stacks")]

use std::cell::Cell;
use std::marker::{PhantomData, PhantomPinned};
use std::pin::Pin;
use std::ptr::null;

use crate::core::base::owner_cell::OwnerCell;
use crate::core::g::goroutine::GRef;
use crate::core::g::gqueue::GQueue;
use crate::core::g::wait_round::WaitId;
use crate::core::m::enter::NoPreempt;
use crate::core::sched::park::ready;
use crate::core::sys::fatal::fatal;
use crate::ext::chan::value_cell::{SlotPtr, ValueCell};

/// What the waker has done for the sleeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Outcome {
    /// Nothing: no waker has caught the node.
    Pending = 0,
    /// The operation is finished (or promised, for a select that has no value yet).
    Done = 1,
    /// The channel was closed, or its other side has gone.
    Closed = 2,
    /// Nothing is certain: look again.
    Retry = 3,
}

/// One waiter in one queue.
#[derive(Debug)]
pub(crate) struct Node {
    next: Cell<*const Node>,
    prev: Cell<*const Node>,
    /// The queue it is in, as a number; 0: none.
    home: Cell<usize>,
    g: Cell<Option<GRef>>,
    /// Present when several wakers compete.
    ticket: Cell<Option<WaitId>>,
    case: Cell<u16>,
    /// An erased `SlotPtr<T>` of the queue's T; null: a select's send, whose value comes later.
    slot: Cell<*const u8>,
    /// Written by the waker before `ready`, which publishes it.
    outcome: OwnerCell<u8>,
    _pinned: PhantomPinned,
}

impl Node {
    pub(crate) const fn new() -> Node {
        Node {
            next: Cell::new(null()),
            prev: Cell::new(null()),
            home: Cell::new(0),
            g: Cell::new(None),
            ticket: Cell::new(None),
            case: Cell::new(0),
            slot: Cell::new(null()),
            outcome: OwnerCell::<u8>::new(Outcome::Pending as u8),
            _pinned: PhantomPinned,
        }
    }

    /// Sets the goroutine that waits. Not while the node is queued.
    pub(crate) fn arm(&self, g: GRef, ticket: Option<WaitId>, case: u16) {
        self.g.set(Some(g));
        self.ticket.set(ticket);
        self.case.set(case);
        self.outcome.set(Outcome::Pending as u8);
    }

    /// What the waker left; `ready` has made it visible.
    pub(crate) fn outcome(&self) -> Outcome {
        match self.outcome.get() {
            0 => Outcome::Pending,
            1 => Outcome::Done,
            2 => Outcome::Closed,
            _ => Outcome::Retry,
        }
    }

    /// True for the one waker that may use this node. Under the queue's lock.
    fn claim(&self) -> bool {
        match (self.ticket.get(), self.g.get()) {
            (Some(ticket), Some(g)) => g.wait_round.claim(ticket, self.case.get()),
            _ => true,
        }
    }

    /// A hint: a waker could still catch it.
    fn is_open(&self) -> bool {
        match (self.ticket.get(), self.g.get()) {
            (Some(ticket), Some(g)) => g.wait_round.is_open(ticket),
            _ => true,
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.home.get() != 0 {
            fatal!("a waiter left its wait while queued");
        }
    }
}

/// A queue of waiters for values of type `T`, or with them.
#[derive(Debug)]
pub(crate) struct WaitQ<T> {
    head: *const Node,
    tail: *const Node,
    values: PhantomData<T>,
}

// SAFETY: the nodes are alive while queued (no-dangling-node) and are touched only by whoever
// has the queue, or has caught them; moving values between the waiters needs T: Send.
unsafe impl<T: Send> Send for WaitQ<T> {}

impl<T> WaitQ<T> {
    pub(crate) const fn new() -> WaitQ<T> {
        WaitQ {
            head: null(),
            tail: null(),
            values: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    /// At the tail. `slot`: the receiver's empty slot or the sender's full one; `None`: a
    /// send of a select whose value comes later, or a wait for readiness only.
    pub(crate) fn push(&mut self, node: Pin<&Node>, slot: Option<SlotPtr<T>>) {
        let node = node.get_ref();
        if node.home.get() != 0 {
            fatal!("a waiter was queued twice");
        }
        node.slot.set(slot.map_or(null(), SlotPtr::erase));
        self.link(node);
    }

    /// A caught node continues to wait here, for one waker, which will certainly come.
    pub(crate) fn keep(&mut self, caught: Caught<T>) {
        // SAFETY: caught, so alive and ours.
        let node = unsafe { &*caught.0 };
        node.ticket.set(None);
        self.link(node);
    }

    /// A caught node goes back to its place in the queue. Called by the holder of the lock.
    pub(crate) fn put_back(&mut self, caught: Caught<T>) {
        // SAFETY: caught, so alive and ours.
        let node = unsafe { &*caught.0 };
        node.ticket.set(None);
        node.home.set(std::ptr::from_ref(self).addr());
        node.prev.set(null());
        node.next.set(self.head);
        // SAFETY: what is queued is alive.
        match unsafe { self.head.as_ref() } {
            Some(head) => head.prev.set(node),
            None => self.tail = node,
        }
        self.head = node;
    }

    fn link(&mut self, node: &Node) {
        let p: *const Node = node;
        node.home.set(std::ptr::from_ref(self).addr());
        node.next.set(null());
        node.prev.set(self.tail);
        // SAFETY: what is queued is alive.
        match unsafe { self.tail.as_ref() } {
            Some(tail) => tail.next.set(p),
            None => self.head = p,
        }
        self.tail = p;
    }

    fn unlink(&mut self, node: &Node) {
        let (prev, next) = (node.prev.get(), node.next.get());
        // SAFETY: what is queued is alive.
        match unsafe { prev.as_ref() } {
            Some(prev) => prev.next.set(next),
            None => self.head = next,
        }
        // SAFETY: as above.
        match unsafe { next.as_ref() } {
            Some(next) => next.prev.set(prev),
            None => self.tail = prev,
        }
        node.home.set(0);
    }

    /// Takes out a node that no waker has caught. Returns `true` if it was here.
    pub(crate) fn remove(&mut self, node: Pin<&Node>) -> bool {
        let here = node.home.get() == std::ptr::from_ref(self).addr();
        if here {
            self.unlink(node.get_ref());
        }
        here
    }

    /// Takes out the first waiter that is still available; waiters that another waker has won
    /// fall out on the way.
    #[inline]
    pub(crate) fn catch(&mut self) -> Option<Caught<T>> {
        loop {
            // SAFETY: what is queued is alive.
            let node = unsafe { self.head.as_ref() }?;
            self.unlink(node);
            if node.claim() {
                return Some(Caught(node, PhantomData));
            }
        }
    }

    /// As `catch`, but passes over sends whose value comes later.
    pub(crate) fn catch_with_value(&mut self) -> Option<Caught<T>> {
        let mut at = self.head;
        loop {
            // SAFETY: what is queued is alive.
            let node = unsafe { at.as_ref() }?;
            at = node.next.get();
            if !node.slot.get().is_null() {
                self.unlink(node);
                if node.claim() {
                    return Some(Caught(node, PhantomData));
                }
            }
        }
    }

    /// A hint: is there a waiter that could be caught?
    pub(crate) fn has_open(&self) -> bool {
        let mut at = self.head;
        // SAFETY: what is queued is alive.
        while let Some(node) = unsafe { at.as_ref() } {
            if node.is_open() {
                return true;
            }
            at = node.next.get();
        }
        false
    }

    /// Catches all and tells them the same; `list` becomes last in, first out.
    pub(crate) fn tell_all(&mut self, outcome: Outcome, list: &GQueue) {
        while let Some(caught) = self.catch() {
            list.push_front(caught.tell(outcome).0);
        }
    }
}

/// A waiter that is the holder's to serve and to wake.
#[must_use]
#[derive(Debug)]
pub(crate) struct Caught<T>(*const Node, PhantomData<T>);

impl<T> Caught<T> {
    fn node(&self) -> &Node {
        // SAFETY: its owner sleeps until we wake it.
        unsafe { &*self.0 }
    }

    fn slot(&self) -> &ValueCell<T> {
        // SAFETY: `push` of a WaitQ<T> stored an erased SlotPtr<T>.
        let p = unsafe { SlotPtr::<T>::cooked(self.node().slot.get()) };
        // SAFETY: the slot outlives the node's wait, and is ours since the catch (one-hand).
        unsafe { p.slot() }
    }

    /// A send that a select waits to make, whose value comes later?
    #[inline]
    pub(crate) fn is_late(&self) -> bool {
        self.node().slot.get().is_null()
    }

    /// Gives a receiver its value.
    #[inline]
    pub(crate) fn give(self, value: T) -> Wake {
        self.slot().put(value);
        self.tell(Outcome::Done)
    }

    /// Takes a sender's value.
    #[inline]
    pub(crate) fn take(self) -> (T, Wake) {
        let Some(value) = self.slot().take() else {
            fatal!("a sender waits with an empty slot");
        };
        (value, self.tell(Outcome::Done))
    }

    #[inline]
    pub(crate) fn tell(self, outcome: Outcome) -> Wake {
        let node = self.node();
        node.outcome.set(outcome as u8);
        match node.g.get() {
            Some(g) => Wake(g),
            None => fatal!("a wait node was never armed"),
        }
    }
}

/// A sleeper that has been served: to be readied once the locks are free.
#[must_use]
#[derive(Debug)]
pub(crate) struct Wake(GRef);

impl Wake {
    #[inline]
    pub(crate) fn ready(self, rt: &NoPreempt) {
        ready(rt, self.0);
    }
}

/// Readies a list, its front first.
pub(crate) fn ready_all(rt: &NoPreempt, list: &GQueue) {
    while let Some(g) = list.pop_front() {
        ready(rt, g);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::core::g::goroutine::G;
    use std::pin::pin;

    fn a_g() -> GRef {
        Box::leak(Box::new(G::new()))
    }

    #[test]
    fn a_waiter_that_lost_falls_out_and_the_next_is_caught() {
        let (lost, won, plain) = (pin!(Node::new()), pin!(Node::new()), pin!(Node::new()));
        let (lost, won, plain) = (lost.into_ref(), won.into_ref(), plain.into_ref());
        let (one, other) = (a_g(), a_g());
        let ticket = one.open_round();
        assert!(
            one.wait_round.claim(ticket, 9),
            "by a waker of another queue"
        );
        lost.arm(one, Some(ticket), 0);
        let slot = ValueCell::with(5);
        won.arm(other, Some(other.open_round()), 3);
        plain.arm(a_g(), None, 0);
        let mut queue = WaitQ::new();
        queue.push(lost, None);
        assert!(!queue.has_open());
        queue.push(won, Some(slot.pointer()));
        queue.push(plain, None);
        assert!(queue.has_open());
        let caught = queue.catch_with_value().unwrap();
        assert_eq!(
            (caught.is_late(), other.wait_round.winner()),
            (false, Some(3))
        );
        assert_eq!(caught.take().0, 5);
        let caught = queue.catch().unwrap();
        assert!(caught.is_late() && queue.is_empty());
        queue.put_back(caught);
        assert!(queue.catch().is_some() && queue.catch().is_none());
        assert_eq!(
            (lost.outcome(), won.outcome()),
            (Outcome::Pending, Outcome::Done)
        );
    }

    #[test]
    fn removing_from_the_middle_keeps_the_others() {
        let nodes = [const { Node::new() }; 5].map(Box::pin);
        for gone in 0..5 {
            let mut queue = WaitQ::<()>::new();
            let mut elsewhere = WaitQ::<()>::new();
            for (case, node) in nodes.iter().enumerate() {
                node.arm(a_g(), None, case as u16);
                queue.push(node.as_ref(), None);
            }
            assert!(!elsewhere.remove(nodes[gone].as_ref()));
            assert!(queue.remove(nodes[gone].as_ref()) && !queue.remove(nodes[gone].as_ref()));
            let order = std::iter::from_fn(|| queue.catch()).map(|c| c.node().case.get());
            let rest: Vec<usize> = order.map(usize::from).collect();
            assert!(rest.iter().copied().eq((0..5).filter(|&case| case != gone)));
        }
    }
}
