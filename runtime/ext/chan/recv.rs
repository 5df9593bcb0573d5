//! Receiving: at once, waiting, or until a deadline.
//!
//! A receive takes the oldest value of the buffer, or else the value of a waiting sender.
//! Otherwise the receiver waits with an empty slot, and the next sender puts its value there.
//!
//! Go: chan.go chanrecv, recv.
#![forbid(unsafe_code)]

use std::pin::{Pin, pin};

use crate::core::g::goroutine::GRef;
use crate::core::g::wait_reason::WaitReason;
use crate::core::m::enter::NoPreempt;
use crate::ext::chan::errors::{RecvTimeoutError, TryRecvError};
use crate::ext::chan::hchan::{Accept, Chan, Glance, State};
use crate::ext::chan::locked::Open;
use crate::ext::chan::patience::{OPERATION, Patience};
use crate::ext::chan::sudog::Sudog;
use crate::ext::chan::wait_queue::{Outcome, Wake};

impl<T> Chan<T> {
    /// Receives if that does not block. An empty channel is seen without the lock.
    ///
    /// With capacity zero, a sender that is a select may have to be waited for, once it has
    /// been caught: it has chosen this very receiver and is about to bring its value. The goroutine
    /// keeps its thread meanwhile.
    #[inline]
    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        if !self.glance().can_recv() {
            return Err(TryRecvError::Empty);
        }
        self.recv(Patience::None).map_err(|error| match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        })
    }

    /// Receives, waiting if need be.
    #[inline]
    pub(crate) fn recv(&self, patience: Patience) -> Result<T, RecvTimeoutError> {
        let rt = patience.enter();
        let mut state = self.state.lock(&rt);
        match state.accept() {
            Accept::Got(value, wake) => {
                self.received(rt, state, wake);
                Ok(value)
            }
            Accept::Disconnected => Err(RecvTimeoutError::Disconnected),
            Accept::Empty if patience == Patience::None => Err(RecvTimeoutError::Timeout),
            other => self.recv_slow(rt, state, other, patience),
        }
    }

    /// Repeats until there is a result.
    #[cold]
    fn recv_slow<'a>(
        &'a self,
        mut rt: NoPreempt,
        mut state: Open<'a, State<T>>,
        mut found: Accept<T>,
        patience: Patience,
    ) -> Result<T, RecvTimeoutError> {
        let mut me = rt.m().map(|_| rt.current());
        let sudog = pin!(Sudog::empty());
        let sudog = sudog.into_ref();
        loop {
            let late = match found {
                Accept::Got(value, wake) => {
                    self.received(rt, state, wake);
                    return Ok(value);
                }
                Accept::Disconnected => return Err(RecvTimeoutError::Disconnected),
                Accept::Empty if patience.is_over() => return Err(RecvTimeoutError::Timeout),
                Accept::Empty => None,
                Accept::Late(sender) => Some(sender),
            };
            let Some(g) = me else {
                // A foreign thread's G may have to be allocated: not under the lock. A sender
                // that was caught stays ours meanwhile: it sleeps until it is told.
                drop(state);
                me = Some(rt.current());
                state = self.state.lock(&rt);
                found = late.map_or_else(|| state.accept(), Accept::Late);
                continue;
            };
            match late {
                Some(sender) => self.receive_late(rt, state, g, sudog, sender, patience),
                None => self.wait_in_line(rt, state, g, sudog, patience),
            }
            match (sudog.take(), sudog.node().outcome()) {
                (Some(value), _) => return Ok(value),
                (None, Outcome::Closed) => return Err(RecvTimeoutError::Disconnected),
                (None, _) => {}
            }
            rt = patience.enter();
            state = self.state.lock(&rt);
            state.recvq.remove(sudog.node()); // still there after a time-out
            found = state.accept();
        }
    }

    #[inline]
    fn received(&self, rt: NoPreempt, state: Open<'_, State<T>>, wake: Option<Wake>) {
        let glance = Glance(state.unlock());
        if let Some(wake) = wake {
            wake.ready(&rt);
        }
        self.finish(rt, glance);
    }

    fn wait_in_line(
        &self,
        rt: NoPreempt,
        mut state: Open<'_, State<T>>,
        me: GRef,
        sudog: Pin<&Sudog<T>>,
        patience: Patience,
    ) {
        let round = patience.open_round(me);
        sudog.node().arm(me, round, OPERATION);
        me.announce_park_for(WaitReason::ChanReceive, std::ptr::from_ref(self).addr());
        state.recvq.push(sudog.node(), Some(sudog.slot()));
        if Glance(state.unlock()).watched() {
            self.notify(&rt);
        }
        patience.sleep(rt, round);
    }
}
