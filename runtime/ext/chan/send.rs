//! Sending: at once, waiting, or until a deadline.
//!
//! The value goes directly into a waiting receiver's slot, or else into the buffer. Otherwise the
//! sender waits with the value in a slot of its own, and the receiver that makes room takes the
//! value from there.
//!
//! Go: chan.go chansend, send.
#![forbid(unsafe_code)]

use std::pin::{Pin, pin};

use crate::core::g::goroutine::GRef;
use crate::core::g::wait_reason::WaitReason;
use crate::core::m::enter::{NoPreempt, enter, enter_to_wait};
use crate::ext::chan::block_list::Block;
use crate::ext::chan::errors::{SendTimeoutError, TrySendError};
use crate::ext::chan::hchan::{Chan, Glance, Offer, State};
use crate::ext::chan::locked::Open;
use crate::ext::chan::patience::{OPERATION, Patience};
use crate::ext::chan::sudog::Sudog;
use crate::ext::chan::wait_queue::{Outcome, Wake};

impl<T> Chan<T> {
    /// Sends if that does not block. A full channel is seen without the lock.
    #[inline]
    pub(crate) fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        if !self.glance().can_send() {
            return Err(TrySendError::Full(value));
        }
        let mut value = value;
        loop {
            let rt = enter();
            let mut state = self.state.lock(&rt);
            match state.offer(value) {
                Offer::Sent(wake) => {
                    self.sent(rt, state, wake);
                    return Ok(());
                }
                Offer::Full(value) => return Err(TrySendError::Full(value)),
                Offer::Disconnected(value) => return Err(TrySendError::Disconnected(value)),
                Offer::NeedBlock(back) => value = back,
            }
            drop(state);
            drop(rt);
            self.bring_block();
        }
    }

    /// Sends, waiting if need be.
    #[inline]
    pub(crate) fn send(&self, value: T, patience: Patience) -> Result<(), SendTimeoutError<T>> {
        let rt = enter_to_wait();
        let mut state = self.state.lock(&rt);
        match state.offer(value) {
            Offer::Sent(wake) => {
                self.sent(rt, state, wake);
                Ok(())
            }
            Offer::Disconnected(value) => Err(SendTimeoutError::Disconnected(value)),
            Offer::NeedBlock(value) => {
                drop(state);
                drop(rt);
                self.send_with_block(value, patience)
            }
            Offer::Full(value) => match rt.m() {
                Some(_) => {
                    let me = rt.current();
                    self.send_wait(rt, state, me, value, patience)
                }
                None => {
                    drop(state);
                    self.send_thread(rt, value, patience)
                }
            },
        }
    }

    /// A foreign thread's G may have to be allocated: not under the lock.
    #[cold]
    fn send_thread(
        &self,
        rt: NoPreempt,
        value: T,
        patience: Patience,
    ) -> Result<(), SendTimeoutError<T>> {
        let me = rt.current();
        let mut state = self.state.lock(&rt);
        match state.offer(value) {
            Offer::Sent(wake) => {
                self.sent(rt, state, wake);
                Ok(())
            }
            Offer::Disconnected(value) => Err(SendTimeoutError::Disconnected(value)),
            Offer::Full(value) | Offer::NeedBlock(value) => {
                self.send_wait(rt, state, me, value, patience)
            }
        }
    }

    #[cold]
    fn send_with_block(&self, value: T, patience: Patience) -> Result<(), SendTimeoutError<T>> {
        self.bring_block();
        self.send(value, patience)
    }

    /// Allocates a block and puts it where the next send will find it.
    #[cold]
    pub(crate) fn bring_block(&self) {
        let block = Block::new();
        let rt = enter();
        let back = self.state.lock(&rt).store.provide(block);
        drop(rt);
        drop(back);
    }

    #[inline]
    fn sent(&self, rt: NoPreempt, state: Open<'_, State<T>>, wake: Option<Wake>) {
        let glance = Glance(state.unlock());
        if let Some(wake) = wake {
            wake.ready(&rt);
        }
        self.finish(rt, glance);
    }

    /// Queues and sleeps.
    #[cold]
    fn send_wait(
        &self,
        rt: NoPreempt,
        state: Open<'_, State<T>>,
        me: GRef,
        value: T,
        patience: Patience,
    ) -> Result<(), SendTimeoutError<T>> {
        if patience.is_over() {
            drop(state);
            return Err(SendTimeoutError::Timeout(value));
        }
        let sudog = pin!(Sudog::with(value));
        let sudog = sudog.into_ref();
        self.send_sleep(rt, state, me, sudog, patience);
        let outcome = sudog.node().outcome();
        if outcome == Outcome::Pending {
            let rt = enter_to_wait();
            let mut state = self.state.lock(&rt);
            state.sendq.remove(sudog.node());
        }
        match (outcome, sudog.take()) {
            (Outcome::Done, _) | (_, None) => Ok(()),
            (Outcome::Closed, Some(value)) => Err(SendTimeoutError::Disconnected(value)),
            (Outcome::Pending | Outcome::Retry, Some(value)) => {
                Err(SendTimeoutError::Timeout(value))
            }
        }
    }

    fn send_sleep(
        &self,
        rt: NoPreempt,
        mut state: Open<'_, State<T>>,
        me: GRef,
        sudog: Pin<&Sudog<T>>,
        patience: Patience,
    ) {
        let round = patience.open_round(me);
        sudog.node().arm(me, round, OPERATION);
        me.announce_park_for(WaitReason::ChanSend, std::ptr::from_ref(self).addr());
        state.sendq.push(sudog.node(), Some(sudog.slot()));
        if Glance(state.unlock()).watched() {
            self.notify(&rt);
        }
        patience.sleep(rt, round);
    }
}
