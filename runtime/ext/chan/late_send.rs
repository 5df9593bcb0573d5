//! Late sends: the value that a select sends does not exist yet when its case is chosen.
//!
//! The message of `send(s, EXPRESSION)` is made after the choice. So the select is *promised* that
//! its send will not block, and sends later. Its two verbs are [`State::promise`], which chooses, and
//! [`Chan::keep_promise`] (or [`Chan::break_promise`]), which sends. A receiver that finds such a
//! sender first in line *meets* it: it waits for that message in a slot of its own.
//! `README.md#late-sends` has the reasons.
//!
//! Go: there the message is made before the choice; crossbeam-channel reserves a place instead.
#![forbid(unsafe_code)]

use std::pin::Pin;

use crate::core::g::goroutine::GRef;
use crate::core::g::wait_reason::WaitReason;
use crate::core::m::enter::{NoPreempt, enter};
use crate::core::sched::park::park;
use crate::core::sys::fatal::fatal;
use crate::ext::chan::errors::SendError;
use crate::ext::chan::hchan::{Chan, Glance, Offer, State};
use crate::ext::chan::locked::Open;
use crate::ext::chan::patience::{OPERATION, Patience};
use crate::ext::chan::sudog::Sudog;
use crate::ext::chan::value_cell::SlotPtr;
use crate::ext::chan::wait_queue::{Caught, Node, Outcome, Wake};
use crate::ext::placement::locked_thread;

/// What a select without a value heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promised {
    Yes,
    No,
    Disconnected,
}

impl<T> State<T> {
    /// A select that has no value yet wants to send: `Yes` promises that it will not block.
    pub(crate) fn promise(&mut self) -> Promised {
        if self.shut() {
            return Promised::Disconnected;
        }
        if self.rendezvous {
            let Some(receiver) = self.recvq.catch() else {
                return Promised::No;
            };
            self.held.keep(receiver);
        } else if !self.has_room() {
            return Promised::No;
        } else if self.store.room() == usize::MAX {
            return Promised::Yes; // unbounded: nothing to keep
        }
        self.promised += 1;
        Promised::Yes
    }

    /// A receiver has caught `sender`, a select without a value: it is promised the receiver's slot,
    /// and told. The receiver waits for its value and for no other.
    pub(crate) fn meet(
        &mut self,
        sender: Caught<T>,
        node: Pin<&Node>,
        slot: SlotPtr<T>,
    ) -> Wake {
        self.held.push(node, Some(slot));
        self.promised += 1;
        sender.tell(Outcome::Done)
    }

    /// A promised send is made: up to two sleepers to wake.
    fn redeem(&mut self, value: T) -> (Offer<T>, Option<Wake>) {
        if self.promised == 0 {
            return (self.offer(value), None); // unbounded
        }
        self.promised -= 1;
        if self.rendezvous {
            // The receiver has agreed to this hand-over: a close in between does not count.
            let Some(receiver) = self.held.catch() else {
                fatal!("a promised receiver has gone");
            };
            return (Offer::Sent(Some(receiver.give(value))), None);
        }
        match self.offer(value) {
            // Went past the store: the place is free again.
            Offer::Sent(Some(wake)) => (Offer::Sent(Some(wake)), self.grant_room()),
            other => (other, None),
        }
    }

    /// A promised send will not be made.
    fn renounce(&mut self) -> Option<Wake> {
        if self.promised == 0 {
            return None;
        }
        self.promised -= 1;
        if self.rendezvous {
            let receiver = self.held.catch();
            return receiver.map(|receiver| receiver.tell(Outcome::Retry));
        }
        self.grant_room()
    }
}

impl<T> Chan<T> {
    /// Makes a send that a select was promised.
    pub(crate) fn keep_promise(&self, value: T) -> Result<(), SendError<T>> {
        let mut value = value;
        loop {
            let rt = enter();
            let mut state = self.state.lock(&rt);
            let (offer, second) = state.redeem(value);
            match offer {
                Offer::Sent(first) => {
                    let glance = Glance(state.unlock());
                    let wakes = [first, second].into_iter().flatten();
                    wakes.for_each(|wake| wake.ready(&rt));
                    self.finish(rt, glance);
                    return Ok(());
                }
                Offer::Disconnected(value) => return Err(SendError(value)),
                Offer::NeedBlock(back) => value = back,
                Offer::Full(_) => fatal!("a promised send found no room"),
            }
            drop(state);
            drop(rt);
            self.bring_block();
        }
    }

    /// A send that a select was promised will not be made.
    pub(crate) fn break_promise(&self) {
        let rt = enter();
        let mut state = self.state.lock(&rt);
        let wake = state.renounce();
        let glance = Glance(state.unlock());
        if let Some(wake) = wake {
            wake.ready(&rt);
        }
        self.finish(rt, glance);
    }

    /// A receive has caught a select without a value: waits until it comes to `sudog`'s slot with it.
    pub(crate) fn receive_late(
        &self,
        rt: NoPreempt,
        mut state: Open<'_, State<T>>,
        me: GRef,
        sudog: Pin<&Sudog<T>>,
        sender: Caught<T>,
        patience: Patience,
    ) {
        let stay = match patience {
            Patience::None => locked_thread::lock_to_wait(&rt),
            _ => None,
        };
        sudog.node().arm(me, None, OPERATION);
        me.announce_park(WaitReason::ChanReceive);
        let wake = state.meet(sender, sudog.node(), sudog.slot());
        drop(state);
        wake.ready(&rt);
        park(rt);
        drop(stay);
    }
}
