//! A channel's state and its two moves, *offer* and *accept*: all under the channel's lock.
//!
//! Invariants (`README.md`): `no-idle-pair`: a receiver waits only if no value and no sender
//! with a value is here; a sender waits only if no receiver waits and there is no room.
//! `room-is-kept`: values and promised sends together never exceed the capacity.
//! Nothing here allocates, frees, or runs code of the values.
//!
//! Go: chan.go hchan, chansend, chanrecv, send, recv.
#![forbid(unsafe_code)]

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::AtomicUsize;

use crate::core::sys::fatal::fatal;
use crate::ext::chan::buffer::Store;
use crate::ext::chan::locked::{Guarded, Summary};
use crate::ext::chan::wait_queue::{Caught, Outcome, WaitQ, Wake};

/// A channel: counts of handles, capacity, and the state behind the lock.
#[derive(Debug)]
pub(crate) struct Chan<T> {
    pub(crate) senders: AtomicUsize,
    pub(crate) receivers: AtomicUsize,
    /// `None`: unbounded.
    pub(crate) capacity: Option<usize>,
    pub(crate) state: Guarded<State<T>>,
}

impl<T> UnwindSafe for Chan<T> {}
impl<T> RefUnwindSafe for Chan<T> {}

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct State<T> {
    pub(crate) store: Store<T>,
    /// Sends that a select has been promised and not made yet; for bounded channels.
    pub(crate) promised: usize,
    /// Receivers that wait, oldest first.
    pub(crate) recvq: WaitQ<T>,
    /// Senders that wait, oldest first.
    pub(crate) sendq: WaitQ<T>,
    /// Receivers whose sender is a select that has been woken to bring its value. They are
    /// in no other queue, and as many as there are promised sends. For capacity zero.
    pub(crate) held: WaitQ<T>,
    /// Watchers: waiters that want to know when a receive, or a send, would not block.
    pub(crate) recv_watch: WaitQ<T>,
    pub(crate) send_watch: WaitQ<T>,
    /// `close` was called.
    pub(crate) closed: bool,
    /// No sender, or no receiver, is left.
    pub(crate) senders_gone: bool,
    pub(crate) receivers_gone: bool,
    /// The capacity is zero.
    pub(crate) rendezvous: bool,
}

/// A receive would not block.
const CAN_RECV: usize = 1;
/// A send would not block.
const CAN_SEND: usize = 2;
/// There are watchers.
const WATCHED: usize = 4;
/// There are blocks to free.
const EXCESS: usize = 8;
const LEN_SHIFT: u32 = 4;

/// The channel's summary word, unpacked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance(pub(crate) usize);

impl Glance {
    /// May be true for nothing: a waiting sender may turn out to be taken.
    pub(crate) fn can_recv(self) -> bool {
        self.0 & CAN_RECV != 0
    }

    /// May be true for nothing.
    pub(crate) fn can_send(self) -> bool {
        self.0 & CAN_SEND != 0
    }

    pub(crate) fn watched(self) -> bool {
        self.0 & WATCHED != 0
    }

    pub(crate) fn has_excess(self) -> bool {
        self.0 & EXCESS != 0
    }

    pub(crate) fn len(self) -> usize {
        self.0 >> LEN_SHIFT
    }
}

/// What became of a value that was offered.
#[must_use]
pub(crate) enum Offer<T> {
    /// Sent; a receiver may have to be woken.
    Sent(Option<Wake>),
    /// It would block.
    Full(T),
    Disconnected(T),
    /// An unbounded channel needs a block from the allocator.
    NeedBlock(T),
}

/// What a receiver got.
#[must_use]
pub(crate) enum Accept<T> {
    /// A value; a sender may have to be woken.
    Got(T, Option<Wake>),
    /// A select was caught that will bring its value: see `late_send.rs`.
    Late(Caught<T>),
    /// It would block.
    Empty,
    Disconnected,
}

impl<T> State<T> {
    #[track_caller]
    fn new(capacity: Option<usize>) -> State<T> {
        State {
            store: Store::new(capacity),
            promised: 0,
            recvq: WaitQ::new(),
            sendq: WaitQ::new(),
            held: WaitQ::new(),
            recv_watch: WaitQ::new(),
            send_watch: WaitQ::new(),
            closed: false,
            senders_gone: false,
            receivers_gone: false,
            rendezvous: capacity == Some(0),
        }
    }

    /// No more sends.
    #[inline]
    pub(crate) fn shut(&self) -> bool {
        self.closed || self.senders_gone || self.receivers_gone
    }

    /// No more values once the store is empty.
    #[inline]
    fn drained(&self) -> bool {
        self.closed || self.senders_gone
    }

    /// There is room that nobody was promised.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.store.room() > self.promised
    }

    /// Takes a value in, if that does not block.
    #[inline]
    pub(crate) fn offer(&mut self, value: T) -> Offer<T> {
        if self.shut() {
            return Offer::Disconnected(value);
        }
        if let Some(receiver) = self.recvq.catch() {
            return Offer::Sent(Some(receiver.give(value)));
        }
        if !self.has_room() {
            return Offer::Full(value);
        }
        match self.store.push(value) {
            Ok(()) => Offer::Sent(None),
            Err(value) => Offer::NeedBlock(value),
        }
    }

    /// Hands a value out, if that does not block.
    #[inline]
    pub(crate) fn accept(&mut self) -> Accept<T> {
        if let Some(value) = self.store.pop() {
            return Accept::Got(value, self.grant_room());
        }
        if self.sendq.is_empty() {
            // Nothing to take.
        } else if self.rendezvous {
            match self.sendq.catch() {
                Some(sender) if sender.is_late() => return Accept::Late(sender),
                Some(sender) => {
                    let (value, wake) = sender.take();
                    return Accept::Got(value, Some(wake));
                }
                None => {}
            }
        } else if let Some(sender) = self.sendq.catch_with_value() {
            // All the room is promised, so the store is empty while senders wait.
            let (value, wake) = sender.take();
            return Accept::Got(value, Some(wake));
        }
        if self.drained() {
            Accept::Disconnected
        } else {
            Accept::Empty
        }
    }

    /// A place has become free: the sender that has waited longest gets it.
    #[inline]
    pub(crate) fn grant_room(&mut self) -> Option<Wake> {
        if self.sendq.is_empty() {
            return None;
        }
        let sender = self.sendq.catch()?;
        if sender.is_late() {
            self.promised += 1;
            return Some(sender.tell(Outcome::Done));
        }
        let (value, wake) = sender.take();
        if self.store.push(value).is_err() {
            fatal!("a channel granted room that it has not");
        }
        Some(wake)
    }

    /// Would a receive not block? For watchers, exactly.
    pub(crate) fn can_recv(&self) -> bool {
        self.store.len() > 0 || self.drained() || self.sendq.has_open()
    }

    /// Would a send not block? For watchers, exactly.
    pub(crate) fn can_send(&self) -> bool {
        self.shut() || self.has_room() || self.recvq.has_open()
    }
}

impl<T> Summary for State<T> {
    #[inline]
    fn summary(&self) -> usize {
        let len = self.store.len();
        let can_recv = len > 0 || self.drained() || !self.sendq.is_empty();
        let can_send = self.has_room() || self.shut() || !self.recvq.is_empty();
        let watched = !self.recv_watch.is_empty() || !self.send_watch.is_empty();
        (usize::from(can_recv) * CAN_RECV)
            | (usize::from(can_send) * CAN_SEND)
            | (usize::from(watched) * WATCHED)
            | (usize::from(self.store.has_excess()) * EXCESS)
            | (len << LEN_SHIFT)
    }
}

impl<T> Chan<T> {
    /// One sender, one receiver. Allocates.
    #[track_caller]
    pub(crate) fn new(capacity: Option<usize>) -> Chan<T> {
        Chan {
            senders: AtomicUsize::new(1),
            receivers: AtomicUsize::new(1),
            capacity,
            state: Guarded::new(State::new(capacity)),
        }
    }

    #[inline]
    pub(crate) fn glance(&self) -> Glance {
        Glance(self.state.summary())
    }

    pub(crate) fn len(&self) -> usize {
        self.glance().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.capacity.is_some_and(|capacity| self.len() >= capacity)
    }
}
