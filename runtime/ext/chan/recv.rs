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
use crate::core::m::enter::{NoPreempt, enter, enter_to_wait};
use crate::core::sched::park::{park, park_until};
use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::chan::errors::{RecvTimeoutError, TryRecvError};
use crate::ext::chan::hchan::{Accept, Chan, Glance, State};
use crate::ext::chan::locked::Open;
use crate::ext::chan::send::{OPERATION, TIME_OUT};
use crate::ext::chan::sudog::Sudog;
use crate::ext::chan::wait_queue::{Caught, Outcome, Wake};
use crate::ext::placement::locked_thread;

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
        self.receive(Patience::None).map_err(|error| match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        })
    }

    /// Receives, waiting until `deadline` if need be.
    #[inline]
    pub(crate) fn recv(&self, deadline: Option<Nanos>) -> Result<T, RecvTimeoutError> {
        self.receive(match deadline {
            Some(deadline) => Patience::Until(deadline),
            None => Patience::Endless,
        })
    }

    #[inline]
    fn receive(&self, patience: Patience) -> Result<T, RecvTimeoutError> {
        let rt = patience.enter();
        let mut state = self.state.lock(&rt);
        match state.accept() {
            Accept::Got(value, wake) => {
                self.received(rt, state, wake);
                Ok(value)
            }
            Accept::Disconnected => Err(RecvTimeoutError::Disconnected),
            Accept::Empty if patience == Patience::None => Err(RecvTimeoutError::Timeout),
            other => self.receive_slow(rt, state, other, patience),
        }
    }

    /// Repeats until there is a result.
    #[cold]
    fn receive_slow<'a>(
        &'a self,
        mut rt: NoPreempt,
        mut state: Open<'a, State<T>>,
        mut found: Accept<T>,
        patience: Patience,
    ) -> Result<T, RecvTimeoutError> {
        let mut me = rt.m().map(|_| rt.current());
        let parcel = pin!(Sudog::empty());
        let parcel = parcel.into_ref();
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
                Some(sender) => self.wait_for_late(rt, state, g, parcel, sender, patience),
                None => self.wait_in_line(rt, state, g, parcel, patience),
            }
            match (parcel.take(), parcel.node().outcome()) {
                (Some(value), _) => return Ok(value),
                (None, Outcome::Closed) => return Err(RecvTimeoutError::Disconnected),
                (None, _) => {}
            }
            rt = patience.enter();
            state = self.state.lock(&rt);
            state.recvq.remove(parcel.node()); // still there after a time-out
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
        parcel: Pin<&Sudog<T>>,
        patience: Patience,
    ) {
        let deadline = patience.deadline();
        let ticket = deadline.map(|_| me.open_round());
        parcel.node().arm(me, ticket, OPERATION);
        me.announce_park_for(WaitReason::ChanReceive, std::ptr::from_ref(self).addr());
        state.recvq.push(parcel.node(), Some(parcel.slot()));
        if Glance(state.unlock()).watched() {
            self.notify(&rt);
        }
        match deadline.zip(ticket) {
            Some((deadline, ticket)) => park_until(rt, deadline, ticket, TIME_OUT),
            None => park(rt),
        }
    }

    /// The sender is a select without a value yet: it comes to our slot with it.
    fn wait_for_late(
        &self,
        rt: NoPreempt,
        mut state: Open<'_, State<T>>,
        me: GRef,
        parcel: Pin<&Sudog<T>>,
        sender: Caught<T>,
        patience: Patience,
    ) {
        let stays = patience == Patience::None && locked_thread::lock_to_wait(&rt);
        parcel.node().arm(me, None, OPERATION);
        me.announce_park(WaitReason::ChanReceive);
        state.hold(parcel.node(), parcel.slot());
        let wake = sender.tell(Outcome::Done);
        drop(state);
        wake.ready(&rt);
        park(rt);
        if stays {
            locked_thread::unlock();
        }
    }
}

/// How long a receive may wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    None,
    Until(Nanos),
    Endless,
}

impl Patience {
    /// A receive that is not to wait returns on its thread.
    #[inline(always)]
    fn enter(self) -> NoPreempt {
        match self {
            Patience::None => enter(),
            _ => enter_to_wait(),
        }
    }

    fn is_over(self) -> bool {
        match self {
            Patience::None => true,
            Patience::Until(deadline) => nanotime() >= deadline,
            Patience::Endless => false,
        }
    }

    fn deadline(self) -> Option<Nanos> {
        match self {
            Patience::Until(deadline) => Some(deadline),
            _ => None,
        }
    }
}
