//! Channels without a sender: a message is available from a deadline on.
//!
//! Nothing runs in the background: the deadline is a word, and a receive compares it with the
//! clock. A receiver that has to wait parks until the deadline. A thread that changes the
//! deadline wakes all waiters, and they look again. Both happen under the channel's lock, so a
//! message that was stopped or moved to a later time is never received too early
//! (`README.md#no-stale-tick`).
//!
//! Go: time.go maybeRunChan, blockTimerChan, unlockAndRun.
#![forbid(unsafe_code)]

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::pin;
use std::time::Instant;

use crate::core::g::gqueue::GQueue;
use crate::core::g::wait_reason::WaitReason;
use crate::core::m::enter::{enter, enter_to_wait};
use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::chan::errors::{RecvTimeoutError, TryRecvError};
use crate::ext::chan::locked::{Guarded, Summary};
use crate::ext::chan::patience::{NEVER, OPERATION, Patience};
use crate::ext::chan::wait_queue::{Node, Outcome, WaitQ, ready_all};
use crate::ext::timers::instant::{anchor, instant_at};

/// What comes after a message was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Nothing: `after`, `at`, Go's Timer.
    Once,
    /// So long after the taking, or after the message if somebody waited for it: `tick`.
    AfterTaking(Nanos),
    /// At the next multiple of the period: Go's Ticker, which keeps its phase.
    InPhase(Nanos),
}

/// When the next message is there.
#[derive(Debug)]
pub(crate) struct Alarm {
    when: Nanos,
    repeat: Repeat,
    /// An instant as users know it, and the same on our clock.
    anchor: (Instant, Nanos),
    waiters: WaitQ<()>,
}

impl Alarm {
    fn new(when: Nanos, repeat: Repeat) -> Alarm {
        Alarm {
            when,
            repeat,
            anchor: anchor(),
            waiters: WaitQ::new(),
        }
    }

    /// Takes the message if it is there at `now`, for a receiver that came at `since`.
    pub(crate) fn take(&mut self, now: Nanos, since: Nanos) -> Option<Instant> {
        let due = self.when;
        if due == NEVER || now < due {
            return None;
        }
        self.when = match self.repeat {
            Repeat::Once => NEVER,
            Repeat::AfterTaking(period) => due.max(since).saturating_add(period),
            Repeat::InPhase(period) => {
                let missed = (now - due) / period.max(1);
                due.saturating_add(period.saturating_mul(missed + 1))
            }
        };
        Some(instant_at(due, self.anchor))
    }

    /// Waits to be told that the deadline has changed.
    pub(crate) fn waiters(&mut self) -> &mut WaitQ<()> {
        &mut self.waiters
    }
}

impl Summary for Alarm {
    fn summary(&self) -> usize {
        self.when as usize
    }
}

/// A channel whose messages are instants, made into the user's type by `make`.
#[derive(Debug)]
pub(crate) struct TimerChan<T> {
    pub(crate) state: Guarded<Alarm>,
    pub(crate) make: fn(Instant) -> T,
}

impl<T> UnwindSafe for TimerChan<T> {}
impl<T> RefUnwindSafe for TimerChan<T> {}

impl<T> TimerChan<T> {
    pub(crate) fn new(when: Nanos, repeat: Repeat, make: fn(Instant) -> T) -> TimerChan<T> {
        TimerChan {
            state: Guarded::new(Alarm::new(when, repeat)),
            make,
        }
    }

    /// When the next message is there; `NEVER`: not set.
    pub(crate) fn when(&self) -> Nanos {
        self.state.summary() as Nanos
    }

    /// The clock, for comparing with the deadline; not read when there is none.
    pub(crate) fn now(&self) -> Nanos {
        if self.when() == NEVER { 0 } else { nanotime() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        let when = self.when();
        when == NEVER || nanotime() < when
    }

    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        if self.is_empty() {
            return Err(TryRecvError::Empty);
        }
        let rt = enter();
        let now = nanotime();
        let taken = self.state.lock(&rt).take(now, now);
        drop(rt);
        taken.map(self.make).ok_or(TryRecvError::Empty)
    }

    pub(crate) fn recv(&self, patience: Patience) -> Result<T, RecvTimeoutError> {
        let since = nanotime();
        let node = pin!(Node::new());
        let node = node.into_ref();
        loop {
            let rt = enter_to_wait();
            let me = rt.current(); // may allocate: before the lock
            let mut state = self.state.lock(&rt);
            state.waiters.remove(node);
            let now = nanotime();
            if let Some(instant) = state.take(now, since) {
                drop(state);
                drop(rt);
                return Ok((self.make)(instant));
            }
            if patience.is_over() {
                return Err(RecvTimeoutError::Timeout);
            }
            let until = patience.no_later_than(state.when);
            let round = until.open_round(me);
            node.arm(me, round, OPERATION);
            me.announce_park(WaitReason::ChanReceive);
            state.waiters.push(node, None);
            drop(state);
            until.sleep(rt, round);
        }
    }

    /// Sets the next deadline, or none; waiters look again. Returns `true` if a message had not
    /// been taken, or was still to come. For the time package's timers.
    pub(crate) fn set(&self, when: Nanos, repeat: Repeat) -> bool {
        let list = GQueue::new();
        let rt = enter();
        let mut state = self.state.lock(&rt);
        let was_set = state.when != NEVER;
        state.when = when;
        state.repeat = repeat;
        state.waiters.tell_all(Outcome::Retry, &list);
        drop(state);
        ready_all(&rt, &list);
        was_set
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::ext::timers::instant::{nanos_after, nanos_at};
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn a_ticker_in_phase_drops_what_nobody_took() {
        let now = Instant::now();
        let mut alarm = Alarm::new(nanos_at(now), Repeat::InPhase(10));
        let t0 = alarm.when;
        assert!(alarm.take(t0 - 1, t0 - 1).is_none());
        assert_eq!(alarm.take(t0 + 45, t0), Some(now));
        assert_eq!(alarm.when, t0 + 50);
        assert!(alarm.take(t0 + 50, t0).is_some());
        assert_eq!(alarm.when, t0 + 60);
    }

    #[test]
    fn a_stopped_timer_sends_nothing_and_a_reset_one_wakes_its_receiver() {
        let hour = nanos_after(Duration::from_secs(3600));
        let timer = Arc::new(TimerChan::new(hour, Repeat::Once, |at| at));
        assert!(timer.set(NEVER, Repeat::Once));
        assert!(!timer.set(NEVER, Repeat::Once), "had been stopped before");
        let receiver = {
            let timer = Arc::clone(&timer);
            std::thread::spawn(move || timer.recv(Patience::Endless))
        };
        while timer.state.lock(&enter()).waiters.is_empty() {
            std::thread::yield_now();
        }
        assert!(!timer.set(nanotime(), Repeat::Once));
        assert!(receiver.join().unwrap().is_ok());
        assert_eq!(timer.try_recv(), Err(TryRecvError::Empty));
    }
}
