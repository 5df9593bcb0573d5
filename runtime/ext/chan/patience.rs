//! How long an operation may wait, and the sleep that ends then.
//!
//! A wait with a deadline opens a round: the deadline claims the case [`TIME_OUT`] for the
//! sleeper, and the waker claims another case. Without a deadline there is no competition, and no
//! round is needed.
//!
//! Go: chan.go's `block`; crossbeam-channel's deadlines.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use crate::core::g::goroutine::GRef;
use crate::core::g::wait_round::WaitId;
use crate::core::m::enter::{NoPreempt, enter, enter_to_wait};
use crate::core::sched::park::park;
use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::timers::instant::{nanos_after, nanos_at};
use crate::ext::timers::park_until::park_until;

/// The case of a round that stands for the operation; see `TIME_OUT`.
pub(crate) const OPERATION: u16 = 0;
/// The case that a waiter claims for itself when its time is up.
const TIME_OUT: u16 = u16::MAX - 2;

/// A deadline that never comes.
pub(crate) const NEVER: Nanos = Nanos::MAX;

/// How long an operation may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Not at all.
    None,
    Until(Nanos),
    Endless,
}

impl Patience {
    /// So long from now; without end if no clock counts so far.
    pub(crate) fn after(timeout: Duration) -> Patience {
        Patience::Endless.no_later_than(nanos_after(timeout))
    }

    pub(crate) fn until(deadline: Instant) -> Patience {
        Patience::Until(nanos_at(deadline))
    }

    /// The same, but not beyond `when`.
    pub(crate) fn no_later_than(self, when: Nanos) -> Patience {
        match self {
            Patience::Until(deadline) => Patience::Until(deadline.min(when)),
            Patience::Endless if when != NEVER => Patience::Until(when),
            _ => self,
        }
    }

    /// Enters the runtime. An operation that is not to wait returns on its thread.
    #[inline(always)]
    pub(crate) fn enter(self) -> NoPreempt {
        match self {
            Patience::None => enter(),
            _ => enter_to_wait(),
        }
    }

    /// Is there no time to wait, or none any more?
    #[inline]
    pub(crate) fn is_over(self) -> bool {
        match self {
            Patience::None => true,
            Patience::Until(deadline) => nanotime() >= deadline,
            Patience::Endless => false,
        }
    }

    /// A round of `me` for its time-out, if it has one.
    #[inline]
    pub(crate) fn open_round(self, me: GRef) -> Option<WaitId> {
        matches!(self, Patience::Until(_)).then(|| me.open_round())
    }

    /// After the park was announced and published: sleeps until a waker comes or the time is up.
    /// `round` is open if there is a deadline.
    #[inline]
    pub(crate) fn sleep(self, rt: NoPreempt, round: Option<WaitId>) {
        match (self, round) {
            (Patience::Until(deadline), Some(round)) => {
                park_until(rt, deadline, round, TIME_OUT)
            }
            _ => park(rt),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_end_counts_and_never_is_no_end() {
        use Patience::{Endless, None, Until};
        assert_eq!(Until(5).no_later_than(3), Until(3));
        assert_eq!(Until(5).no_later_than(NEVER), Until(5));
        assert_eq!(Endless.no_later_than(3), Until(3));
        assert_eq!(Endless.no_later_than(NEVER), Endless);
        assert_eq!(None.no_later_than(3), None);
        assert_eq!(Patience::after(Duration::MAX), Endless);
        assert!(None.is_over() && Until(1).is_over());
        assert!(!Endless.is_over() && !Patience::after(Duration::from_secs(60)).is_over());
    }
}
