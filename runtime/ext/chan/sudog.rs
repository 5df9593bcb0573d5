//! The data that a waiter pins to its stack: a node and a slot, or a select's nodes.
#![allow(unsafe_code, reason = "reaches the pinned parts of a pinned whole")]

use std::pin::Pin;

use crate::ext::chan::value_cell::{SlotPtr, ValueCell};
use crate::ext::chan::wait_queue::Node;

/// A node with its own slot: what a plain send or receive waits in.
#[derive(Debug)]
pub(crate) struct Sudog<T> {
    node: Node,
    slot: ValueCell<T>,
}

impl<T> Sudog<T> {
    pub(crate) fn empty() -> Sudog<T> {
        Sudog {
            node: Node::new(),
            slot: ValueCell::empty(),
        }
    }

    pub(crate) fn with(value: T) -> Sudog<T> {
        Sudog {
            node: Node::new(),
            slot: ValueCell::with(value),
        }
    }

    pub(crate) fn node(self: Pin<&Self>) -> Pin<&Node> {
        // SAFETY: a field that is never moved out of its sudog.
        unsafe { self.map_unchecked(|sudog| &sudog.node) }
    }

    pub(crate) fn slot(self: Pin<&Self>) -> SlotPtr<T> {
        self.get_ref().slot.pointer()
    }

    /// The value, if there is one. Not while it is queued, nor between catch and wake-up.
    pub(crate) fn take(self: Pin<&Self>) -> Option<T> {
        self.slot.take()
    }
}

const INLINE: usize = 8;

/// The nodes of a select: a few on the stack, more on the heap.
#[derive(Debug)]
pub(crate) struct Nodes {
    few: [Node; INLINE],
    more: Option<Box<[Node]>>,
}

impl Nodes {
    /// What has to be allocated before the runtime is entered.
    pub(crate) fn extra(count: usize) -> Option<Box<[Node]>> {
        (count > INLINE).then(|| (0..count).map(|_| Node::new()).collect())
    }

    pub(crate) fn new(more: Option<Box<[Node]>>) -> Nodes {
        Nodes {
            few: [const { Node::new() }; INLINE],
            more,
        }
    }

    pub(crate) fn get(self: Pin<&Self>, i: usize) -> Pin<&Node> {
        let this = self.get_ref();
        let node = match &this.more {
            Some(more) => &more[i],
            None => &this.few[i],
        };
        // SAFETY: pinned with `self`, or in a box that `self` owns and never lets go of.
        unsafe { Pin::new_unchecked(node) }
    }
}
